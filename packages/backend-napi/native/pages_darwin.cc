// macOS: mmap between guards, mlock, minherit. Sources of the rules: mlock(2), minherit(2), setrlimit(2) and the Mach
// headers. There is no advice that keeps pages out of a core file, and none is claimed.
//
// mlock over a limit answers EAGAIN here, where Linux answers ENOMEM (mlock(2), "locking the indicated range would exceed
// either the system or per-process limit"). There is no limit on the number of mappings that could be asked for.
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

Status Fail(Failure* failure, const char* syscall, int error, Status status) {
  failure->syscall = syscall;
  failure->error = error;
  return status;
}

Status MemoryFailure(Failure* failure, const char* syscall, int error) {
  if (error == EPERM || error == EACCES) return Fail(failure, syscall, error, Status::kDenied);
  bool memory = error == ENOMEM || error == EAGAIN;
  return Fail(failure, syscall, error, memory ? Status::kOutOfMemory : Status::kPlatform);
}

Status LockFailure(Failure* failure, int error, size_t length) {
  failure->requested = static_cast<double>(length);
  failure->limit = LockLimit();
  if (error == EAGAIN || failure->limit == 0) return Fail(failure, "mlock", error, Status::kLockLimit);
  if (error == ENOMEM && failure->limit >= 0) return Fail(failure, "mlock", error, Status::kLockLimit);
  return MemoryFailure(failure, "mlock", error);
}

int ProtectionBits(Protection protection) {
  switch (protection) {
    case Protection::kNoAccess: return PROT_NONE;
    case Protection::kReadOnly: return PROT_READ;
    default: return PROT_READ | PROT_WRITE;
  }
}

Status Prepare(uint8_t* base, size_t length, bool lock, Failure* failure) {
  if (SECUREMEM_TRY(-1, mprotect(base, length, PROT_READ | PROT_WRITE)) != 0) {
    return MemoryFailure(failure, "mprotect", errno);
  }
  if (SECUREMEM_TRY(-1, minherit(base, length, VM_INHERIT_NONE)) != 0) {
    return MemoryFailure(failure, "minherit", errno);
  }
  if (lock && SECUREMEM_TRY(-1, mlock(base, length)) != 0) return LockFailure(failure, errno, length);
  return Status::kOk;
}

uint8_t* Reserve(size_t length) {
  void* reserved = SECUREMEM_TRY(
      MAP_FAILED, mmap(nullptr, length + 2 * PageByteLength(), PROT_NONE, MAP_PRIVATE | MAP_ANON, -1, 0));
  return reserved == MAP_FAILED ? nullptr : static_cast<uint8_t*>(reserved) + PageByteLength();
}

void Release(uint8_t* base, size_t length) { munmap(base - PageByteLength(), length + 2 * PageByteLength()); }

int ResourceOf(Measure measure) {
  switch (measure) {
    case Measure::kCoreLimit: return RLIMIT_CORE;
    case Measure::kLockLimit: return RLIMIT_MEMLOCK;
    default: return RLIMIT_CPU;
  }
}

// setrlimit that never raises anything, for good: the hard limit is lowered as well.
Status LowerLimit(int resource, double soft, double hard, Failure* failure) {
  struct rlimit now;
  if (getrlimit(resource, &now) != 0) return Fail(failure, "getrlimit", errno, Status::kPlatform);
  struct rlimit wanted = now;
  if (now.rlim_max == RLIM_INFINITY || hard < static_cast<double>(now.rlim_max)) {
    wanted.rlim_max = static_cast<rlim_t>(hard);
  }
  if (now.rlim_cur == RLIM_INFINITY || soft < static_cast<double>(now.rlim_cur)) {
    wanted.rlim_cur = static_cast<rlim_t>(soft);
  }
  if (wanted.rlim_cur > wanted.rlim_max) wanted.rlim_cur = wanted.rlim_max;
  if (setrlimit(resource, &wanted) != 0) {
    return Fail(failure, "setrlimit", errno, errno == EPERM ? Status::kDenied : Status::kPlatform);
  }
  return Status::kOk;
}

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
  if (kind == PageKind::kHidden) return Fail(failure, "memfd_secret", ENOSYS, Status::kNotSupported);
  uint8_t* base = Reserve(PageByteLength());
  if (base == nullptr) return MemoryFailure(failure, "mmap", errno);
  abilities->strongest = Protection::kNoAccess;
  abilities->dump_excluded = false;
  abilities->fork = ForkBehaviour::kAbsent;
  Status status = Prepare(base, PageByteLength(), false, failure);
  Release(base, PageByteLength());
  return status;
}

Status MapPages(size_t length, PageKind, ForkBehaviour, Mapping* mapping, Failure* failure) {
  failure->requested = static_cast<double>(length);
  uint8_t* base = Reserve(length);
  if (base == nullptr) return MemoryFailure(failure, "mmap", errno);
  Status status = Prepare(base, length, true, failure);
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
  if (SECUREMEM_TRY(-1, mprotect(mapping.base, mapping.length, ProtectionBits(protection))) == 0) return Status::kOk;
  return MemoryFailure(failure, "mprotect", errno);
}

Status UnmapPages(const Mapping& mapping, Failure* failure) {
  size_t page = PageByteLength();
  if (SECUREMEM_TRY(-1, munmap(mapping.base - page, mapping.length + 2 * page)) == 0) return Status::kOk;
  return MemoryFailure(failure, "munmap", errno);
}

// The system has a limit of its own beside the one of the process (vm.user_wire_limit); the smaller one binds.
double LockLimit() {
  struct rlimit limit;
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return kUnknown;
  uint64_t system_limit = 0;
  size_t size = sizeof system_limit;
  bool known = sysctlbyname("vm.user_wire_limit", &system_limit, &size, nullptr, 0) == 0 && size == sizeof system_limit;
  if (limit.rlim_cur == RLIM_INFINITY) return known ? static_cast<double>(system_limit) : kUnlimited;
  double own = static_cast<double>(limit.rlim_cur);
  return known && static_cast<double>(system_limit) < own ? static_cast<double>(system_limit) : own;
}

Status RaiseLockLimit(double byte_length, Failure* failure) {
  double now = LockLimit();
  if (now == kUnlimited || now >= byte_length) return Status::kOk;
  struct rlimit limit;
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return Fail(failure, "getrlimit", errno, Status::kCannotRaise);
  failure->requested = byte_length;
  failure->limit = now;
  if (limit.rlim_max != RLIM_INFINITY && byte_length > static_cast<double>(limit.rlim_max)) {
    failure->hard_limit = static_cast<double>(limit.rlim_max);
    return Fail(failure, "setrlimit", EPERM, Status::kCannotRaise);
  }
  rlim_t before = limit.rlim_cur;
  if (limit.rlim_cur != RLIM_INFINITY && static_cast<double>(limit.rlim_cur) < byte_length) {
    limit.rlim_cur = static_cast<rlim_t>(byte_length);
    if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0) return Fail(failure, "setrlimit", errno, Status::kCannotRaise);
  }
  if (LockLimit() >= byte_length || LockLimit() == kUnlimited) return Status::kOk;
  // The limit of the system binds, and that one is not ours to raise.
  limit.rlim_cur = before;
  setrlimit(RLIMIT_MEMLOCK, &limit);
  return Fail(failure, "setrlimit", EPERM, Status::kCannotRaise);
}

// Nothing tells what the whole process has wired by itself.
double LockedByteLength() { return kUnknown; }

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

double MeasureNow(Measure measure) {
  if (measure == Measure::kNotDumpable) return kUnknown;
  struct rlimit limit;
  if (getrlimit(ResourceOf(measure), &limit) != 0) return kUnknown;
  return limit.rlim_cur == RLIM_INFINITY ? kUnlimited : static_cast<double>(limit.rlim_cur);
}

// PT_DENY_ATTACH would keep debuggers away, but kills a process that is being debugged already: not taken.
Status TakeMeasure(Measure measure, double value_max, Failure* failure) {
  if (measure == Measure::kNotDumpable) return Fail(failure, "ptrace", ENOSYS, Status::kNotSupported);
  double hard = measure == Measure::kCpuLimit ? value_max + 5 : value_max;
  return LowerLimit(ResourceOf(measure), value_max, hard, failure);
}

}  // namespace securemem
