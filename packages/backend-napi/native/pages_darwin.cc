// macOS: mmap between guards, mlock, minherit. Sources of the rules: mlock(2), minherit(2), setrlimit(2) and the Mach
// headers. There is no advice that keeps pages out of a core file, and none is claimed.
//
// There is no limit on the number of mappings that could be asked for.
#include "pages.h"

#include <errno.h>
#include <mach/mach.h>
#include <mach/mach_vm.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysctl.h>
#include <unistd.h>

#include "fault.h"

namespace securemem {
namespace {

int ProtectionBits(Protection protection) {
  switch (protection) {
    case Protection::kNoAccess: return PROT_NONE;
    case Protection::kReadOnly: return PROT_READ;
    default: return PROT_READ | PROT_WRITE;
  }
}

bool KeepFromFork(uint8_t* base, size_t length) {
  return SECUREMEM_TRY(-1, minherit(base, length, VM_INHERIT_NONE)) == 0;
}

Status Prepare(uint8_t* base, size_t length, const Abilities& abilities, Failure* failure) {
  if (SECUREMEM_TRY(-1, mprotect(base, length, PROT_READ | PROT_WRITE)) != 0) {
    return Refuse(failure, "mprotect", errno);
  }
  if (abilities.fork == ForkBehaviour::kAbsent && !KeepFromFork(base, length)) {
    return Refuse(failure, "minherit", errno);
  }
  if (SECUREMEM_TRY(-1, mlock(base, length)) == 0) return Status::kOk;
  const int error = errno;
  munlock(base, length);
  return Refuse(failure, "mlock", error, Asks::kLock);
}

uint8_t* Reserve(size_t length) {
  void* reserved = SECUREMEM_TRY(
      MAP_FAILED, mmap(nullptr, length + 2 * PageByteLength(), PROT_NONE, MAP_PRIVATE | MAP_ANON, -1, 0));
  return reserved == MAP_FAILED ? nullptr : static_cast<uint8_t*>(reserved) + PageByteLength();
}

void Release(uint8_t* base, size_t length) { munmap(base - PageByteLength(), length + 2 * PageByteLength()); }

int ResourceOf(Limit limit) {
  switch (limit) {
    case Limit::kCore: return RLIMIT_CORE;
    case Limit::kLocked: return RLIMIT_MEMLOCK;
    default: return RLIMIT_CPU;
  }
}

double BytesOf(rlim_t value) { return value == RLIM_INFINITY ? kUnlimited : static_cast<double>(value); }
uint64_t WordOf(rlim_t value) { return value == RLIM_INFINITY ? UINT64_MAX : value; }
rlim_t LimitOf(uint64_t word) { return word == UINT64_MAX ? RLIM_INFINITY : static_cast<rlim_t>(word); }

// The entry of the address map that holds `address`; false where there is none.
bool EntryAt(mach_vm_address_t address, mach_vm_address_t* start, mach_vm_size_t* size,
             vm_region_submap_info_data_64_t* information) {
  *start = address;
  natural_t depth = 1024;
  mach_msg_type_number_t count = VM_REGION_SUBMAP_INFO_COUNT_64;
  kern_return_t answer = mach_vm_region_recurse(mach_task_self(), start, size, &depth,
                                                reinterpret_cast<vm_region_recurse_info_t>(information), &count);
  return answer == KERN_SUCCESS && *start <= address;
}

bool IsClosed(const uint8_t* address) {
  mach_vm_address_t start;
  mach_vm_size_t size;
  vm_region_submap_info_data_64_t information;
  if (!EntryAt(reinterpret_cast<mach_vm_address_t>(address), &start, &size, &information)) return true;
  return (information.protection & (VM_PROT_READ | VM_PROT_WRITE | VM_PROT_EXECUTE)) == 0;
}

}  // namespace

size_t PageByteLength() { return static_cast<size_t>(getpagesize()); }

Status ProbePages(PageKind kind, Abilities* abilities, Failure* failure) {
  if (kind == PageKind::kHidden) return Status::kNotSupported;
  uint8_t* base = Reserve(PageByteLength());
  if (base == nullptr) return Refuse(failure, "mmap", errno, Asks::kAddressSpace);
  abilities->strongest = Protection::kNoAccess;
  abilities->dump_excluded = false;
  abilities->fork = KeepFromFork(base, PageByteLength()) ? ForkBehaviour::kAbsent : ForkBehaviour::kInherited;
  Release(base, PageByteLength());
  return Status::kOk;
}

Status MapPages(size_t length, PageKind, const Abilities& abilities, Mapping* mapping, Failure* failure) {
  failure->requested = static_cast<double>(length);
  uint8_t* base = Reserve(length);
  if (base == nullptr) return Refuse(failure, "mmap", errno, Asks::kAddressSpace);
  Status status = Prepare(base, length, abilities, failure);
  if (status != Status::kOk) {
    Release(base, length);
    return status;
  }
  mapping->base = base;
  mapping->length = length;
  mapping->kind = PageKind::kAnonymous;
  return Status::kOk;
}

Status ProtectPages(const Mapping& mapping, Protection protection, Failure* failure) {
  failure->requested = static_cast<double>(mapping.length);
  if (SECUREMEM_TRY(-1, mprotect(mapping.base, mapping.length, ProtectionBits(protection))) == 0) return Status::kOk;
  return Refuse(failure, "mprotect", errno);
}

Status UnmapPages(const Mapping& mapping, Failure* failure) {
  failure->requested = static_cast<double>(mapping.length);
  size_t page = PageByteLength();
  if (SECUREMEM_TRY(-1, munmap(mapping.base - page, mapping.length + 2 * page)) == 0) return Status::kOk;
  return Refuse(failure, "munmap", errno);
}

void ReadLockNumbers(LockNumbers* numbers) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
    numbers->soft = BytesOf(limit.rlim_cur);
    numbers->hard = BytesOf(limit.rlim_max);
  }
  uint64_t wired = 0;
  size_t size = sizeof wired;
  const bool known = sysctlbyname("vm.user_wire_limit", &wired, &size, nullptr, 0) == 0 && size == sizeof wired;
  numbers->system = known ? static_cast<double>(wired) : kUnknown;
}

Status SetLockLimit(double soft, double, Failure* failure) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return Refuse(failure, "getrlimit", errno);
  limit.rlim_cur = static_cast<rlim_t>(soft);
  return setrlimit(RLIMIT_MEMLOCK, &limit) == 0 ? Status::kOk : Refuse(failure, "setrlimit", errno);
}

// Nothing tells what the whole process has wired by itself.
double LockedByteLength() { return kUnknown; }
double CountMappings() { return kUnknown; }
double MappingsMax() { return kUnknown; }
bool KernelCannotRead(const Mapping&) { return false; }

void InspectPages(const Mapping* const* mappings, Facts* facts, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const Mapping& mapping = *mappings[i];
    mach_vm_address_t cursor = reinterpret_cast<mach_vm_address_t>(mapping.base);
    const mach_vm_address_t end = cursor + mapping.length;
    Facts* fact = &facts[i];
    while (cursor < end) {
      mach_vm_address_t start;
      mach_vm_size_t size;
      vm_region_submap_info_data_64_t information;
      if (!EntryAt(cursor, &start, &size, &information)) break;
      mach_vm_address_t entry_end = start + size < end ? start + size : end;
      Protection protection = (information.protection & VM_PROT_WRITE)  ? Protection::kReadWrite
                              : (information.protection & VM_PROT_READ) ? Protection::kReadOnly
                                                                        : Protection::kNoAccess;
      if (!fact->known || protection > fact->protection) fact->protection = protection;
      ForkBehaviour fork =
          information.inheritance == VM_INHERIT_NONE ? ForkBehaviour::kAbsent : ForkBehaviour::kInherited;
      if (!fact->known || fork > fact->fork) fact->fork = fork;
      if (information.user_wired_count > 0) fact->locked += static_cast<double>(entry_end - cursor);
      fact->known = true;
      cursor = entry_end;
    }
    fact->guarded = IsClosed(mapping.base - 1) && IsClosed(mapping.base + mapping.length);
  }
}

Status GetLimit(Limit limit, uint64_t* soft, uint64_t* hard, Failure* failure) {
  struct rlimit value;
  if (getrlimit(ResourceOf(limit), &value) != 0) return Refuse(failure, "getrlimit", errno);
  *soft = WordOf(value.rlim_cur);
  *hard = WordOf(value.rlim_max);
  return Status::kOk;
}

Status SetLimit(Limit limit, uint64_t soft, uint64_t hard, Failure* failure) {
  const struct rlimit value = {LimitOf(soft), LimitOf(hard)};
  return setrlimit(ResourceOf(limit), &value) == 0 ? Status::kOk : Refuse(failure, "setrlimit", errno);
}

// PT_DENY_ATTACH would keep debuggers away, but kills a process that is being debugged already: not taken.
Status GetDumpable(bool*, Failure*) { return Status::kNotSupported; }
Status ForbidDumps(Failure*) { return Status::kNotSupported; }

}  // namespace securemem
