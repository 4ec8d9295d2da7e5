// Readers of /proc, in one pass and without allocation, so that they also work when memory or mappings have run out.
#include "proc_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

namespace securemem {
namespace {

class File {
 public:
  explicit File(const char* path) {
    do fd_ = open(path, O_RDONLY | O_CLOEXEC);
    while (fd_ < 0 && errno == EINTR);
  }
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  bool is_open() const { return fd_ >= 0; }
  // Bytes read, 0 at the end, negative on error.
  long Read(char* target, size_t length) const {
    long got;
    do got = read(fd_, target, length);
    while (got < 0 && errno == EINTR);
    return got;
  }

 private:
  int fd_;
};

// A line at a time, without its newline, in a buffer that is reused. Longer lines are cut; none that matters is long.
class Lines {
 public:
  explicit Lines(const char* path) : file_(path) {}
  bool is_open() const { return file_.is_open(); }

  const char* Next() {
    size_t length = 0;
    for (;;) {
      if (start_ == end_) {
        long got = file_.Read(buffer_, sizeof buffer_);
        if (got <= 0) return nullptr;
        start_ = 0;
        end_ = static_cast<size_t>(got);
      }
      const char* from = buffer_ + start_;
      const void* newline = memchr(from, '\n', end_ - start_);
      size_t part = newline == nullptr ? end_ - start_ : static_cast<size_t>(static_cast<const char*>(newline) - from);
      size_t room = sizeof line_ - 1 - length;
      size_t kept = part < room ? part : room;
      memcpy(line_ + length, from, kept);
      length += kept;
      start_ += part + (newline == nullptr ? 0 : 1);
      if (newline == nullptr) continue;
      line_[length] = 0;
      return line_;
    }
  }

 private:
  File file_;
  size_t start_ = 0;
  size_t end_ = 0;
  char line_[512];
  char buffer_[16384];
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

const char* ParseDecimal(const char* text, double* value) {
  while (*text == ' ' || *text == '\t') text++;
  if (!IsDigit(*text)) return nullptr;
  *value = 0;
  for (; IsDigit(*text); text++) *value = *value * 10 + (*text - '0');
  return text;
}

const char* ParseHex(const char* text, uintptr_t* value) {
  const char* start = text;
  *value = 0;
  for (;; text++) {
    int digit = IsDigit(*text) ? *text - '0' : *text >= 'a' && *text <= 'f' ? *text - 'a' + 10 : -1;
    if (digit < 0) return text == start ? nullptr : text;
    *value = *value * 16 + static_cast<uintptr_t>(digit);
  }
}

// One mapping of smaps, complete when its VmFlags line has been read.
struct Vma {
  uintptr_t start = 0;
  uintptr_t end = 0;
  Protection protection = Protection::kNoAccess;
  bool readable = false;
  bool hidden = false;
  double resident = 0;
  double locked = 0;
};

// What the kernel calls the pages that it has no mapping of.
bool IsHiddenFile(const char* line) {
  static const char kName[] = "/secretmem (deleted)";
  const size_t length = strlen(line), wanted = sizeof kName - 1;
  return length > wanted && strcmp(line + length - wanted, kName) == 0;
}

bool ParseHeader(const char* line, Vma* vma) {
  uintptr_t start, end;
  const char* cursor = ParseHex(line, &start);
  if (cursor == nullptr || *cursor != '-') return false;
  cursor = ParseHex(cursor + 1, &end);
  if (cursor == nullptr || *cursor != ' ') return false;
  vma->start = start;
  vma->end = end;
  vma->readable = cursor[1] == 'r' || cursor[2] == 'w' || cursor[3] == 'x';
  vma->protection = cursor[2] == 'w'   ? Protection::kReadWrite
                    : cursor[1] == 'r' ? Protection::kReadOnly
                                       : Protection::kNoAccess;
  vma->hidden = IsHiddenFile(cursor);
  vma->resident = 0;
  vma->locked = 0;
  return true;
}

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

double ReadVmLck() {
  Lines lines("/proc/self/status");
  for (const char* line = lines.Next(); line != nullptr; line = lines.Next()) {
    double kilobytes;
    if (strncmp(line, "VmLck:", 6) == 0 && ParseDecimal(line + 6, &kilobytes) != nullptr) return kilobytes * 1024;
  }
  return kUnknown;
}

bool FindStartBlock(char** start, char** end) {
  // In proc(5), which counts from 1. The name of the program, the second, may have anything in it but is followed by the last
  // parenthesis.
  constexpr int kAfterName = 3, kEnvStart = 50;
  char stat[2048];
  const File file("/proc/self/stat");
  const long got = file.is_open() ? file.Read(stat, sizeof stat - 1) : -1;
  if (got <= 0) return false;
  stat[got] = 0;
  const char* cursor = strrchr(stat, ')');
  for (int field = kAfterName - 1; cursor != nullptr && field < kEnvStart; field++) {
    cursor = strchr(cursor + 1, ' ');
  }
  if (cursor == nullptr) return false;
  char* rest;
  const uintptr_t from = static_cast<uintptr_t>(strtoull(cursor, &rest, 10));
  const uintptr_t to = static_cast<uintptr_t>(strtoull(rest, nullptr, 10));
  if (from == 0 || to <= from) return false;
  Lines lines("/proc/self/maps");
  Vma vma;
  for (const char* line = lines.is_open() ? lines.Next() : nullptr; line != nullptr; line = lines.Next()) {
    if (!ParseHeader(line, &vma) || vma.start > from || vma.end < to) continue;
    *start = reinterpret_cast<char*>(from);
    *end = reinterpret_cast<char*>(to);
    return vma.protection == Protection::kReadWrite;
  }
  return false;
}

double CountMappings() {
  File file("/proc/self/maps");
  if (!file.is_open()) return kUnknown;
  static const size_t kChunk = 16384;
  char chunk[kChunk];
  double count = 0;
  for (long got = file.Read(chunk, kChunk); got > 0; got = file.Read(chunk, kChunk)) {
    for (long i = 0; i < got; i++) count += chunk[i] == '\n';
  }
  return count;
}

double HiddenByteLength() {
  Lines lines("/proc/self/maps");
  if (!lines.is_open()) return 0;
  double length = 0;
  Vma vma;
  for (const char* line = lines.Next(); line != nullptr; line = lines.Next()) {
    if (ParseHeader(line, &vma) && vma.hidden) length += static_cast<double>(vma.end - vma.start);
  }
  return length;
}

bool IsOneMapping(const void* start, const void* end) {
  Lines lines("/proc/self/maps");
  if (!lines.is_open()) return false;
  Vma vma;
  for (const char* line = lines.Next(); line != nullptr; line = lines.Next()) {
    if (!ParseHeader(line, &vma) || vma.start != reinterpret_cast<uintptr_t>(start)) continue;
    return vma.end == reinterpret_cast<uintptr_t>(end);
  }
  return false;
}

double MappingsMax() {
  Lines lines("/proc/sys/vm/max_map_count");
  const char* line = lines.Next();
  double value;
  return line != nullptr && ParseDecimal(line, &value) != nullptr ? value : kUnknown;
}

bool InInitialUserNamespace() {
  // The number is fixed in the kernel (PROC_USER_INIT_INO in its include/linux/proc_ns.h).
  static const char kInitial[] = "user:[4026531837]";
  char found[sizeof kInitial];
  const ssize_t length = readlink("/proc/thread-self/ns/user", found, sizeof found);
  return length == static_cast<ssize_t>(sizeof kInitial - 1) && memcmp(found, kInitial, sizeof kInitial - 1) == 0;
}

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

bool KernelCannotRead(const Mapping& mapping) {
  int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  if (memory < 0) return true;
  char byte;
  const long got = pread(memory, &byte, 1, static_cast<off_t>(reinterpret_cast<uintptr_t>(mapping.base)));
  close(memory);
  return got != 1;
}

}  // namespace securemem
