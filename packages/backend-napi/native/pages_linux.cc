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
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"
#include "mapping_room.h"
#include "proc_linux.h"
#include "reservation_linux.h"
#include "wipe.h"

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

// Whether the kernel counts hidden pages as locked. Some (6.1) do not.
enum class Counting : int { kNotAsked, kCounted, kUncounted };
std::atomic<Counting> g_counting{Counting::kNotAsked};

bool IsUncounted() { return g_counting.load(std::memory_order_relaxed) == Counting::kUncounted; }

// Every kernel answers one way, so only the first region is asked about.
void AskWhetherCounted(const Mapping& mapping) {
  if (g_counting.load(std::memory_order_relaxed) != Counting::kNotAsked) return;
  const Mapping* asked = &mapping;
  Facts facts;
  InspectSmaps(&asked, &facts, 1);
  if (!facts.known) return;
  g_counting.store(facts.counted ? Counting::kCounted : Counting::kUncounted, std::memory_order_relaxed);
}

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

int Advise(uint8_t* base, size_t length, int advice) { return SECUREMEM_TRY(-1, madvise(base, length, advice)); }

// A child reads zeroes (MADV_WIPEONFORK, Linux 4.14), or finds nothing there (MADV_DONTFORK).
int KeepFromFork(uint8_t* base, size_t length, ForkBehaviour fork) {
  if (fork == ForkBehaviour::kInherited) return 0;
  return Advise(base, length, fork == ForkBehaviour::kZeroed ? MADV_WIPEONFORK : MADV_DONTFORK);
}

// Nothing here takes a mapping away, so a reservation of which a part was refused is whole.
Status OpenAnonymous(uint8_t* base, size_t length, const Abilities& abilities, Failure* failure) {
  if (SECUREMEM_TRY(-1, mprotect(base, length, PROT_READ | PROT_WRITE)) != 0) {
    return Refuse(failure, "mprotect", errno);
  }
  // The advice comes first: from the first instant that a page is locked it is out of core files and children, too.
  if (abilities.dump_excluded && Advise(base, length, MADV_DONTDUMP) != 0) return Refuse(failure, "madvise", errno);
  if (KeepFromFork(base, length, abilities.fork) != 0) return Refuse(failure, "madvise", errno);
  // The system call itself: sanitizers and other interposers replace mlock by a function that does nothing.
  if (SECUREMEM_TRY(-1, syscall(SYS_mlock, base, length)) == 0) return Status::kOk;
  const int error = errno;
  // A lock that failed half-way is charged until then, even should the unmapping fail as well.
  syscall(SYS_munlock, base, length);
  return Refuse(failure, "mlock", error, Asks::kLock);
}

// Open and advised pages of a memfd_secret file, wherever the kernel likes. They are charged when they are mapped, need no
// mlock (which would fail) and are never dumped. No address is asked for: a mapping over a reservation that the lock limit
// refuses would leave a hole there, into which other threads map.
Status MapSecretFile(int file, size_t length, uint8_t** pages, Failure* failure) {
  void* mapped = SECUREMEM_TRY(MAP_FAILED, mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
  // This is where the lock limit is asked (secretmem_mmap in mm/secretmem.c).
  if (mapped == MAP_FAILED) return Refuse(failure, "mmap", errno, Asks::kHiddenLock);
  if (SECUREMEM_TRY(-1, madvise(mapped, length, MADV_DONTFORK)) != 0) {
    const Status status = Refuse(failure, "madvise", errno);
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
  if (file < 0) return Refuse(failure, "memfd_secret", errno, Asks::kDescriptor);
  Status status = Status::kOk;
  if (SECUREMEM_TRY(-1, ftruncate(static_cast<int>(file), static_cast<off_t>(length))) != 0) {
    status = Refuse(failure, "ftruncate", errno);
  } else if (pages != nullptr) {
    status = MapSecretFile(static_cast<int>(file), length, pages, failure);
  }
  close(static_cast<int>(file));
  return status;
}

// The first touch of a page takes it out of the kernel's own map, which costs about 35 microseconds and may be refused: some
// kernels (6.1) ask for the lock limit only here. A touch of ours would then kill (SIGBUS); a system call that writes there is
// answered with EFAULT. False after a refusal, with errno set.
bool BringIn(uint8_t* base, size_t length) {
  for (size_t offset = 0; offset < length; offset += PageByteLength()) {
    const bool written = SECUREMEM_TRY(-1, syscall(SYS_sysinfo, base + offset)) == 0;
    // A sandbox may forbid the call, which then says nothing about the page.
    if (!written && errno != EPERM && errno != ENOSYS) return false;
    Wipe(base + offset, sizeof(struct sysinfo));
  }
  return true;
}

Status MapHiddenRegion(size_t length, uint8_t** base, Failure* failure) {
  uint8_t* pages;
  const Status status = MapHidden(length, &pages, failure);
  if (status != Status::kOk) return status;
  uint8_t* reserved = ReserveToReplace(length);
  if (reserved == nullptr) {
    const Status refused = Refuse(failure, "mmap", errno, Asks::kAddressSpace);
    munmap(pages, length);
    return refused;
  }
  if (!MoveBetweenGuards(pages, reserved, length)) return Refuse(failure, "mremap", errno);
  // Taken here, so that a region is resident as a whole.
  if (!BringIn(reserved, length)) {
    const Status refused = Refuse(failure, "memfd_secret", errno, Asks::kHiddenLock);
    Release(reserved, length);
    return refused;
  }
  *base = reserved;
  return Status::kOk;
}

Status MapAnonymousRegion(size_t length, const Abilities& abilities, uint8_t** base, Failure* failure) {
  uint8_t* reserved = ReserveToOpen(length);
  if (reserved == nullptr) return Refuse(failure, "mmap", errno, Asks::kAddressSpace);
  const Status status = OpenAnonymous(reserved, length, abilities, failure);
  if (status != Status::kOk) Release(reserved, length);
  *base = reserved;
  return status;
}

// Which advice this kernel knows, from trying it on a page.
Status ProbeAnonymous(Abilities* abilities, Failure* failure) {
  const size_t page = PageByteLength();
  uint8_t* base = ReserveToOpen(page);
  if (base == nullptr) return Refuse(failure, "mmap", errno, Asks::kAddressSpace);
  Status status = Status::kOk;
  if (SECUREMEM_TRY(-1, mprotect(base, page, PROT_READ | PROT_WRITE)) != 0) {
    status = Refuse(failure, "mprotect", errno);
  }
  abilities->dump_excluded = Advise(base, page, MADV_DONTDUMP) == 0;
  abilities->fork = KeepFromFork(base, page, ForkBehaviour::kZeroed) == 0   ? ForkBehaviour::kZeroed
                    : KeepFromFork(base, page, ForkBehaviour::kAbsent) == 0 ? ForkBehaviour::kAbsent
                                                                            : ForkBehaviour::kInherited;
  Release(base, page);
  return status;
}

// Whether pages can be moved, which a sandbox may forbid; tried with an ordinary one, since a hidden one needs room under the
// lock limit.
Status TryToMove(Failure* failure) {
  const size_t page = PageByteLength();
  void* pages = SECUREMEM_TRY(MAP_FAILED, mmap(nullptr, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (pages == MAP_FAILED) return Refuse(failure, "mmap", errno, Asks::kAddressSpace);
  uint8_t* reserved = ReserveToReplace(page);
  if (reserved == nullptr) {
    const Status status = Refuse(failure, "mmap", errno, Asks::kAddressSpace);
    munmap(pages, page);
    return status;
  }
  if (!MoveBetweenGuards(static_cast<uint8_t*>(pages), reserved, page)) return Refuse(failure, "mremap", errno);
  Release(reserved, page);
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
  if (kind == PageKind::kAnonymous) return ProbeAnonymous(abilities, failure);
  const Status status = MapHidden(page, nullptr, failure);
  return status == Status::kOk ? TryToMove(failure) : status;
}

Status MapPages(size_t length, PageKind kind, const Abilities& abilities, Mapping* mapping, Failure* failure) {
  failure->requested = static_cast<double>(length);
  if (g_mapping_room.IsShort(CountMappings, MappingsMax, NowNanoseconds, failure)) return Status::kMapLimit;
  uint8_t* base;
  const Status status = kind == PageKind::kHidden ? MapHiddenRegion(length, &base, failure)
                                                  : MapAnonymousRegion(length, abilities, &base, failure);
  if (status != Status::kOk) return status;
  mapping->base = base;
  mapping->length = length;
  mapping->kind = kind;
  if (kind == PageKind::kHidden) AskWhetherCounted(*mapping);
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

bool LimitsBindEverybody() { return IsUncounted(); }

double UncountedByteLength() { return IsUncounted() ? HiddenByteLength() : 0; }

void InspectPages(const Mapping* const* mappings, Facts* facts, size_t count) {
  InspectSmaps(mappings, facts, count);
}

}  // namespace securemem
