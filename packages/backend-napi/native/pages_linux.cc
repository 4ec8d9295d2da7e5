// Linux: anonymous pages with mlock, or memfd_secret pages. Sources of the rules: mlock(2), madvise(2), memfd_secret(2),
// proc(5), and mm/mlock.c, mm/secretmem.c of the kernel.
//
// Only old POSIX calls and plain numbers are used, and no C++ run-time library, so that one file loads on glibc and on musl.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "pages.h"

#include <atomic>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "failure_linux.h"
#include "fault.h"
#include "mapping_room.h"
#include "proc_linux.h"
#include "reservation_linux.h"

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

int ProtectionBits(Protection protection) {
  switch (protection) {
    case Protection::kNoAccess: return PROT_NONE;
    case Protection::kReadOnly: return PROT_READ;
    default: return PROT_READ | PROT_WRITE;
  }
}

// A child reads zeroes (MADV_WIPEONFORK, Linux 4.14) or finds nothing there (MADV_DONTFORK).
int KeepFromFork(uint8_t* base, size_t length, ForkBehaviour fork) {
  int advice = fork == ForkBehaviour::kZeroed ? MADV_WIPEONFORK : MADV_DONTFORK;
  return SECUREMEM_TRY(-1, madvise(base, length, advice));
}

// Nothing here takes a mapping away, so a reservation of which a part was refused is whole.
Status OpenAnonymous(uint8_t* base, size_t length, ForkBehaviour fork, bool lock, Failure* failure) {
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

// Open and advised pages of a memfd_secret file, wherever the kernel likes. They are charged when they are mapped, need no
// mlock (which would fail) and are never dumped. No address is asked for: a mapping over a reservation that the lock limit
// refuses would leave a hole there, into which other threads map.
Status MapSecretFile(int file, size_t length, uint8_t** pages, Failure* failure) {
  void* mapped = SECUREMEM_TRY(MAP_FAILED, mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
  // EAGAIN is the lock limit here and nothing else (secretmem_mmap in mm/secretmem.c).
  if (mapped == MAP_FAILED && errno == EAGAIN) {
    failure->requested = static_cast<double>(length);
    failure->in_use = LockedByteLength();
    failure->limit = LockLimit();
    return Fail(failure, "mmap", EAGAIN, Status::kLockLimit);
  }
  if (mapped == MAP_FAILED) return MemoryFailure(failure, "mmap", errno);
  if (SECUREMEM_TRY(-1, madvise(mapped, length, MADV_DONTFORK)) != 0) {
    const Status status = MemoryFailure(failure, "madvise", errno);
    munmap(mapped, length);
    return status;
  }
  *pages = static_cast<uint8_t*>(mapped);
  return Status::kOk;
}

// The descriptor is closed at once; the mapping alone keeps the file, and the kernel clears the pages when it goes. Without
// `pages` it is only found out whether there are such files.
Status MapHidden(size_t length, uint8_t** pages, Failure* failure) {
  const long file = SECUREMEM_TRY(-1, syscall(SYS_memfd_secret, O_CLOEXEC));
  if (file < 0) return MemoryFailure(failure, "memfd_secret", errno);
  Status status = Status::kOk;
  if (SECUREMEM_TRY(-1, ftruncate(static_cast<int>(file), static_cast<off_t>(length))) != 0) {
    status = MemoryFailure(failure, "ftruncate", errno);
  } else if (pages != nullptr) {
    status = MapSecretFile(static_cast<int>(file), length, pages, failure);
  }
  close(static_cast<int>(file));
  return status;
}

Status MapHiddenRegion(size_t length, uint8_t** base, Failure* failure) {
  uint8_t* pages;
  const Status status = MapHidden(length, &pages, failure);
  if (status != Status::kOk) return status;
  uint8_t* reserved = ReserveToReplace(length);
  if (reserved == nullptr) {
    const Status refused = MemoryFailure(failure, "mmap", errno);
    munmap(pages, length);
    return refused;
  }
  if (!MoveBetweenGuards(pages, reserved, length)) return MemoryFailure(failure, "mremap", errno);
  // The first touch of such a page costs about 35 microseconds; taken here, so that a region is resident as a whole.
  for (size_t offset = 0; offset < length; offset += PageByteLength()) {
    static_cast<volatile uint8_t*>(reserved)[offset] = 0;
  }
  *base = reserved;
  return Status::kOk;
}

Status MapAnonymousRegion(size_t length, ForkBehaviour fork, bool lock, uint8_t** base, Failure* failure) {
  uint8_t* reserved = ReserveToOpen(length);
  if (reserved == nullptr) return MemoryFailure(failure, "mmap", errno);
  const Status status = OpenAnonymous(reserved, length, fork, lock, failure);
  // Unmapping also gives back what a failed mlock has charged.
  if (status != Status::kOk) Release(reserved, length);
  *base = reserved;
  return status;
}

// Whether pages can be moved, which a sandbox may forbid; tried with an ordinary one, since a hidden one needs room under the
// lock limit.
Status TryToMove(Failure* failure) {
  const size_t page = PageByteLength();
  void* pages = SECUREMEM_TRY(MAP_FAILED, mmap(nullptr, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (pages == MAP_FAILED) return MemoryFailure(failure, "mmap", errno);
  uint8_t* reserved = ReserveToReplace(page);
  if (reserved == nullptr) {
    const Status status = MemoryFailure(failure, "mmap", errno);
    munmap(pages, page);
    return status;
  }
  if (!MoveBetweenGuards(static_cast<uint8_t*>(pages), reserved, page)) return MemoryFailure(failure, "mremap", errno);
  Release(reserved, page);
  return Status::kOk;
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
  const size_t page = PageByteLength();
  abilities->strongest = Protection::kNoAccess;
  abilities->dump_excluded = true;
  abilities->fork = ForkBehaviour::kAbsent;
  if (kind == PageKind::kHidden) {
    const Status status = MapHidden(page, nullptr, failure);
    return status == Status::kOk ? TryToMove(failure) : status;
  }
  uint8_t* base;
  abilities->fork = ForkBehaviour::kZeroed;
  Status status = MapAnonymousRegion(page, abilities->fork, false, &base, failure);
  if (status != Status::kOk && failure->error == EINVAL) {
    abilities->fork = ForkBehaviour::kAbsent;
    status = MapAnonymousRegion(page, abilities->fork, false, &base, failure);
  }
  if (status == Status::kOk) Release(base, page);
  return status;
}

Status MapPages(size_t length, PageKind kind, ForkBehaviour fork, Mapping* mapping, Failure* failure) {
  failure->requested = static_cast<double>(length);
  if (g_mapping_room.IsShort(CountMappings, MappingsMax, NowNanoseconds, failure)) return Status::kMapLimit;
  uint8_t* base;
  const Status status = kind == PageKind::kHidden ? MapHiddenRegion(length, &base, failure)
                                                  : MapAnonymousRegion(length, fork, true, &base, failure);
  if (status != Status::kOk) return status;
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
