// Linux: anonymous pages with mlock, or memfd_secret pages. Sources of the rules: mlock(2), madvise(2), memfd_secret(2),
// getrlimit(2), proc(5), and mm/mlock.c, mm/secretmem.c of the kernel.
//
// Only old POSIX calls and plain numbers are used, and no C++ run-time library, so that one file loads on glibc and on musl.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "pages.h"

#include <atomic>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"
#include "mapping_room.h"
#include "proc_linux.h"

namespace securemem {
namespace {

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

// Of the process: its threads share the mappings.
MappingRoom g_mapping_room;

int64_t NowNanoseconds() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

Status Fail(Failure* failure, const char* syscall, int error, Status status) {
  failure->syscall = syscall;
  failure->error = error;
  return status;
}

// The mapping count, when it is what stands in the way. Counting costs milliseconds with many mappings, so it is done for
// the error message and nowhere else. A region needs up to three mappings more than there are.
bool MappingsExhausted(Failure* failure) {
  failure->mappings = CountMappings();
  failure->mappings_max = MappingsMax();
  return failure->mappings >= 0 && failure->mappings_max >= 0 &&
         failure->mappings + 3 > failure->mappings_max;
}

Status MemoryFailure(Failure* failure, const char* syscall, int error) {
  if (error == EPERM || error == EACCES) return Fail(failure, syscall, error, Status::kDenied);
  if (MappingsExhausted(failure)) return Fail(failure, syscall, error, Status::kMapLimit);
  bool memory = error == ENOMEM || error == EAGAIN || error == EMFILE || error == ENFILE;
  return Fail(failure, syscall, error, memory ? Status::kOutOfMemory : Status::kPlatform);
}

// ENOMEM of mlock is the lock limit or the number of mappings, never a lack of memory, which mlock reports as EAGAIN
// (__mlock_posix_error_return in mm/mlock.c). EPERM is the answer to a limit of 0 without CAP_IPC_LOCK; under any other
// limit somebody else forbids it, such as a seccomp filter.
Status LockFailure(Failure* failure, const char* syscall, int error, size_t length) {
  double limit = LockLimit();
  double in_use = LockedByteLength();
  failure->requested = static_cast<double>(length);
  failure->in_use = in_use;
  failure->limit = limit;
  if (error == EPERM) {
    return Fail(failure, syscall, error, limit == 0 ? Status::kLockLimit : Status::kDenied);
  }
  if (error != ENOMEM) return MemoryFailure(failure, syscall, error);
  // The kernel counts whole pages and rounds the limit down to them; in use and requested are multiples already.
  if (limit >= 0 && in_use >= 0 && in_use + static_cast<double>(length) > limit) {
    return Fail(failure, syscall, error, Status::kLockLimit);
  }
  if (MappingsExhausted(failure)) return Fail(failure, syscall, error, Status::kMapLimit);
  // Under a finite limit the only cause left is another thread that has just unlocked something.
  return Fail(failure, syscall, error, limit >= 0 ? Status::kLockLimit : Status::kOutOfMemory);
}

int ProtectionBits(Protection protection) {
  switch (protection) {
    case Protection::kNoAccess: return PROT_NONE;
    case Protection::kReadOnly: return PROT_READ;
    default: return PROT_READ | PROT_WRITE;
  }
}

// Address space for a region and a guard page on each side, all without access. Costs no memory and no lock.
uint8_t* Reserve(size_t length) {
  void* reserved = SECUREMEM_TRY(MAP_FAILED, mmap(nullptr, length + 2 * PageByteLength(), PROT_NONE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  return reserved == MAP_FAILED ? nullptr : static_cast<uint8_t*>(reserved) + PageByteLength();
}

void Release(uint8_t* base, size_t length) {
  int saved = errno;
  munmap(base - PageByteLength(), length + 2 * PageByteLength());
  errno = saved;
}

// A child reads zeroes (MADV_WIPEONFORK, Linux 4.14) or finds nothing there (MADV_DONTFORK).
int KeepFromFork(uint8_t* base, size_t length, ForkBehaviour fork) {
  int advice = fork == ForkBehaviour::kZeroed ? MADV_WIPEONFORK : MADV_DONTFORK;
  return SECUREMEM_TRY(-1, madvise(base, length, advice));
}

Status MapAnonymous(uint8_t* base, size_t length, ForkBehaviour fork, bool lock, Failure* failure) {
  if (SECUREMEM_TRY(-1, mprotect(base, length, PROT_READ | PROT_WRITE)) != 0) {
    return MemoryFailure(failure, "mprotect", errno);
  }
  // The advice comes first: from the first instant that a page is locked it is out of core files and children, too.
  if (SECUREMEM_TRY(-1, madvise(base, length, MADV_DONTDUMP)) != 0) {
    return MemoryFailure(failure, "madvise", errno);
  }
  if (KeepFromFork(base, length, fork) != 0) return MemoryFailure(failure, "madvise", errno);
  // The system call itself: sanitizers and other interposers replace mlock by a function that does nothing.
  if (lock && SECUREMEM_TRY(-1, syscall(SYS_mlock, base, length)) != 0) {
    return LockFailure(failure, "mlock", errno, length);
  }
  return Status::kOk;
}

// The pages of a memfd_secret file are charged when they are mapped, need no mlock (which would fail) and are never dumped.
// The descriptor is closed at once; the mapping alone keeps the file, and the kernel clears the pages when it goes.
Status MapHidden(uint8_t* base, size_t length, bool lock, Failure* failure) {
  long fd = SECUREMEM_TRY(-1, syscall(SYS_memfd_secret, O_CLOEXEC));
  if (fd < 0) return MemoryFailure(failure, "memfd_secret", errno);
  Status status = Status::kOk;
  if (SECUREMEM_TRY(-1, ftruncate(static_cast<int>(fd), static_cast<off_t>(length))) != 0) {
    status = MemoryFailure(failure, "ftruncate", errno);
  } else if (lock) {
    void* mapped = SECUREMEM_TRY(MAP_FAILED, mmap(base, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                                static_cast<int>(fd), 0));
    // EAGAIN is the lock limit here and nothing else (secretmem_mmap in mm/secretmem.c).
    if (mapped == MAP_FAILED && errno == EAGAIN) {
      failure->requested = static_cast<double>(length);
      failure->in_use = LockedByteLength();
      failure->limit = LockLimit();
      status = Fail(failure, "mmap", EAGAIN, Status::kLockLimit);
    } else if (mapped == MAP_FAILED) {
      status = MemoryFailure(failure, "mmap", errno);
    } else if (SECUREMEM_TRY(-1, madvise(base, length, MADV_DONTFORK)) != 0) {
      status = MemoryFailure(failure, "madvise", errno);
    }
  }
  close(static_cast<int>(fd));
  if (status != Status::kOk || !lock) return status;
  // The first touch of such a page costs about 35 microseconds; taken here, so that a region is resident as a whole.
  for (size_t offset = 0; offset < length; offset += PageByteLength()) {
    static_cast<volatile uint8_t*>(base)[offset] = 0;
  }
  return Status::kOk;
}

bool HasLockCapability() {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  memset(data, 0, sizeof data);
  if (syscall(SYS_capget, &header, data) != 0) return false;
  return (data[0].effective & (1u << CAP_IPC_LOCK)) != 0;
}

// A process with several threads cannot change its user namespace, so it is asked once.
bool InInitialUserNamespaceCached() {
  static std::atomic<int> known{-1};
  int answer = known.load(std::memory_order_relaxed);
  if (answer < 0) {
    answer = InInitialUserNamespace() ? 1 : 0;
    known.store(answer, std::memory_order_relaxed);
  }
  return answer == 1;
}

int ResourceOf(Measure measure) {
  switch (measure) {
    case Measure::kCoreLimit: return RLIMIT_CORE;
    case Measure::kLockLimit: return RLIMIT_MEMLOCK;
    default: return RLIMIT_CPU;
  }
}

int GetLimit(int resource, struct rlimit* limit) {
  return getrlimit(static_cast<__rlimit_resource_t>(resource), limit);
}

// setrlimit that never raises anything, for good: the hard limit is lowered as well.
Status LowerLimit(int resource, double soft, double hard, Failure* failure) {
  struct rlimit now;
  if (GetLimit(resource, &now) != 0) return Fail(failure, "getrlimit", errno, Status::kPlatform);
  struct rlimit wanted = now;
  if (now.rlim_max == RLIM_INFINITY || hard < static_cast<double>(now.rlim_max)) {
    wanted.rlim_max = static_cast<rlim_t>(hard);
  }
  if (now.rlim_cur == RLIM_INFINITY || soft < static_cast<double>(now.rlim_cur)) {
    wanted.rlim_cur = static_cast<rlim_t>(soft);
  }
  if (wanted.rlim_cur > wanted.rlim_max) wanted.rlim_cur = wanted.rlim_max;
  if (setrlimit(static_cast<__rlimit_resource_t>(resource), &wanted) != 0) {
    return Fail(failure, "setrlimit", errno, errno == EPERM ? Status::kDenied : Status::kPlatform);
  }
  return Status::kOk;
}

}  // namespace

size_t PageByteLength() {
  // A benign race: every thread would store the same number.
  static std::atomic<size_t> known{0};
  size_t page = known.load(std::memory_order_relaxed);
  if (page == 0) {
    page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    known.store(page, std::memory_order_relaxed);
  }
  return page;
}

Status ProbePages(PageKind kind, Abilities* abilities, Failure* failure) {
  size_t page = PageByteLength();
  uint8_t* base = Reserve(page);
  if (base == nullptr) return MemoryFailure(failure, "mmap", errno);
  abilities->strongest = Protection::kNoAccess;
  abilities->dump_excluded = true;
  abilities->fork = ForkBehaviour::kAbsent;
  Status status;
  if (kind == PageKind::kHidden) {
    status = MapHidden(base, page, false, failure);
  } else {
    abilities->fork = ForkBehaviour::kZeroed;
    status = MapAnonymous(base, page, abilities->fork, false, failure);
    if (status != Status::kOk && failure->error == EINVAL) {
      abilities->fork = ForkBehaviour::kAbsent;
      status = MapAnonymous(base, page, abilities->fork, false, failure);
    }
  }
  Release(base, page);
  return status;
}

Status MapPages(size_t length, PageKind kind, ForkBehaviour fork, Mapping* mapping, Failure* failure) {
  failure->requested = static_cast<double>(length);
  if (g_mapping_room.IsShort(CountMappings, MappingsMax, NowNanoseconds, failure)) return Status::kMapLimit;
  uint8_t* base = Reserve(length);
  if (base == nullptr) return MemoryFailure(failure, "mmap", errno);
  Status status = kind == PageKind::kHidden ? MapHidden(base, length, true, failure)
                                            : MapAnonymous(base, length, fork, true, failure);
  if (status != Status::kOk) {
    // Unmapping also gives back what a failed mlock has charged.
    Release(base, length);
    return status;
  }
  mapping->base = base;
  mapping->length = length;
  mapping->kind = kind;
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

// The soft limit, unless it truly does not bind. In a user namespace CAP_IPC_LOCK shows as effective although the limit
// still bites, so the capability counts only under the full identity map.
double LockLimit() {
  struct rlimit limit;
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return kUnknown;
  if (limit.rlim_cur == RLIM_INFINITY) return kUnlimited;
  if (HasLockCapability() && InInitialUserNamespaceCached()) return kUnlimited;
  return static_cast<double>(limit.rlim_cur);
}

Status RaiseLockLimit(double byte_length, Failure* failure) {
  double now = LockLimit();
  if (now == kUnlimited || now >= byte_length) return Status::kOk;
  struct rlimit limit;
  if (SECUREMEM_TRY(-1, getrlimit(RLIMIT_MEMLOCK, &limit)) != 0) {
    return Fail(failure, "getrlimit", errno, Status::kCannotRaise);
  }
  failure->requested = byte_length;
  failure->limit = static_cast<double>(limit.rlim_cur);
  if (limit.rlim_max != RLIM_INFINITY && byte_length > static_cast<double>(limit.rlim_max)) {
    failure->hard_limit = static_cast<double>(limit.rlim_max);
    return Fail(failure, "setrlimit", EPERM, Status::kCannotRaise);
  }
  limit.rlim_cur = static_cast<rlim_t>(byte_length);
  if (SECUREMEM_TRY(-1, setrlimit(RLIMIT_MEMLOCK, &limit)) != 0) {
    return Fail(failure, "setrlimit", errno, Status::kCannotRaise);
  }
  return Status::kOk;
}

double LockedByteLength() { return ReadVmLck(); }

void InspectPages(const Mapping* const* mappings, Facts* facts, size_t count) {
  InspectSmaps(mappings, facts, count);
}

double MeasureNow(Measure measure) {
  if (measure == Measure::kNotDumpable) {
    int dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    return dumpable < 0 ? kUnknown : dumpable;
  }
  struct rlimit limit;
  if (GetLimit(ResourceOf(measure), &limit) != 0) return kUnknown;
  return limit.rlim_cur == RLIM_INFINITY ? kUnlimited : static_cast<double>(limit.rlim_cur);
}

Status TakeMeasure(Measure measure, double value_max, Failure* failure) {
  if (measure == Measure::kNotDumpable) {
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0) return Status::kOk;
    return Fail(failure, "prctl", errno, Status::kPlatform);
  }
  // The soft limit of processor time gives SIGXCPU, which a parent can tell from the SIGKILL of the hard one.
  double hard = measure == Measure::kCpuLimit ? value_max + 5 : value_max;
  return LowerLimit(ResourceOf(measure), value_max, hard, failure);
}

}  // namespace securemem
