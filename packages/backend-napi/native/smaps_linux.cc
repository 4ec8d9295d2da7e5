// The facts of regions, from one pass over /proc/self/smaps.
#include <stdlib.h>
#include <string.h>

#include "proc_linux.h"
#include "proc_reader.h"

namespace securemem {
namespace {

bool HasFlag(const char* flags, const char* name) {
  for (const char* found = strstr(flags, name); found != nullptr; found = strstr(found + 1, name)) {
    if (found[-1] == ' ' && (found[2] == ' ' || found[2] == 0)) return true;
  }
  return false;
}

// The bytes of a mapping that cannot leave memory. Hidden pages never do, and some kernels (6.1) neither mark nor count them as
// locked: there it is those that have been brought in.
double LockedBytes(const Vma& vma, const char* flags) {
  if (HasFlag(flags, "lo")) return vma.locked;
  return vma.hidden ? vma.resident : 0;
}

// `guards` collects which of the two guard pages were seen closed: 1 before, 2 after.
void AddVma(const Vma& vma, const char* flags, const Mapping& mapping, Facts* facts, unsigned char* guards) {
  uintptr_t start = reinterpret_cast<uintptr_t>(mapping.base);
  uintptr_t end = start + mapping.length;
  if (!vma.readable && vma.start < start && vma.end >= start) *guards |= 1;
  if (!vma.readable && vma.start <= end && vma.end > end) *guards |= 2;
  facts->guarded = *guards == 3;
  if (vma.end <= start || vma.start >= end) return;
  ForkBehaviour fork = HasFlag(flags, "dc")   ? ForkBehaviour::kAbsent
                       : HasFlag(flags, "wf") ? ForkBehaviour::kZeroed
                                              : ForkBehaviour::kInherited;
  bool excluded = HasFlag(flags, "dd");
  // A region is one mapping; were it ever split, the weakest part speaks for all of it.
  bool first = !facts->known;
  facts->known = true;
  facts->locked += LockedBytes(vma, flags);
  facts->counted = (first || facts->counted) && HasFlag(flags, "lo");
  if (first || vma.protection > facts->protection) facts->protection = vma.protection;
  facts->dump_excluded = (first || facts->dump_excluded) && excluded;
  if (first || fork > facts->fork) facts->fork = fork;
}

// A region that somebody asks about, with what was seen of its guards.
struct Wanted {
  const Mapping* mapping;
  Facts* facts;
  unsigned char guards;
};

uintptr_t GuardedStart(const Wanted& wanted) {
  return reinterpret_cast<uintptr_t>(wanted.mapping->base) - PageByteLength();
}

uintptr_t GuardedEnd(const Wanted& wanted) {
  return reinterpret_cast<uintptr_t>(wanted.mapping->base) + wanted.mapping->length + PageByteLength();
}

int CompareBases(const void* left, const void* right) {
  const uint8_t* a = static_cast<const Wanted*>(left)->mapping->base;
  const uint8_t* b = static_cast<const Wanted*>(right)->mapping->base;
  return a < b ? -1 : a > b ? 1 : 0;
}

}  // namespace

void InspectSmaps(const Mapping* const* mappings, Facts* facts, size_t count) {
  Lines lines("/proc/self/smaps");
  if (!lines.is_open() || count == 0) return;
  Wanted* wanted = static_cast<Wanted*>(malloc(count * sizeof(Wanted)));
  if (wanted == nullptr) return;
  for (size_t i = 0; i < count; i++) wanted[i] = {mappings[i], &facts[i], 0};
  qsort(wanted, count, sizeof(Wanted), CompareBases);

  Vma vma;
  size_t first = 0;
  for (const char* line = lines.Next(); line != nullptr; line = lines.Next()) {
    if (ParseHeader(line, &vma)) continue;
    double kilobytes;
    if (strncmp(line, "Rss:", 4) == 0 && ParseDecimal(line + 4, &kilobytes) != nullptr) {
      vma.resident = kilobytes * 1024;
    } else if (strncmp(line, "Locked:", 7) == 0 && ParseDecimal(line + 7, &kilobytes) != nullptr) {
      vma.locked = kilobytes * 1024;
    } else if (strncmp(line, "VmFlags:", 8) == 0) {
      // Both lists ascend, so regions that lie wholly before this mapping are done with.
      while (first < count && GuardedEnd(wanted[first]) <= vma.start) first++;
      for (size_t i = first; i < count && GuardedStart(wanted[i]) < vma.end; i++) {
        AddVma(vma, line, *wanted[i].mapping, wanted[i].facts, &wanted[i].guards);
      }
    }
  }
  free(wanted);
}

}  // namespace securemem
