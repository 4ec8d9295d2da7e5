// What the operating system can do with whole regions. One implementation per system: pages_linux.cc, pages_darwin.cc and
// pages_windows.cc. No N-API type appears here, nothing is retried and nothing is remembered beside the Mapping.
//
// Preconditions, once: lengths are positive multiples of PageByteLength(); a Mapping was filled by MapPages and not yet
// unmapped. Every function checks every system call, and on failure fills Failure and leaves things as they were.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "status.h"

namespace securemem {

enum class Protection : int { kNoAccess = 0, kReadOnly = 1, kReadWrite = 2 };
enum class ForkBehaviour : int { kAbsent = 0, kZeroed = 1, kInherited = 2 };

// kHidden is memfd_secret: the kernel itself has no mapping of the pages. Linux only.
enum class PageKind : int { kAnonymous = 0, kHidden = 1 };

struct Mapping {
  uint8_t* base = nullptr;  // the first usable byte; a guard page lies before it and one after its end
  size_t length = 0;
  PageKind kind = PageKind::kAnonymous;
};

struct Abilities {
  Protection strongest;  // the strongest protection that keeps the lock
  bool dump_excluded;
  ForkBehaviour fork;
};

// What the system says of one region. `known` is false where it cannot be asked.
struct Facts {
  bool known = false;
  double locked = 0;
  // The kernel marks the pages as locked and counts them. Some (6.1) do neither with hidden ones.
  bool counted = false;
  Protection protection = Protection::kNoAccess;
  bool guarded = false;
  bool dump_excluded = false;
  ForkBehaviour fork = ForkBehaviour::kInherited;
};

// Special numbers of bytes, seconds and mappings.
constexpr double kUnlimited = -1;
constexpr double kUnknown = -2;

size_t PageByteLength();

// What a region of this kind gets here, from trying the calls on one page without locking it.
Status ProbePages(PageKind kind, Abilities* abilities, Failure* failure);

// Zeroed, read-write, locked, guarded, excluded; every page present. On failure nothing exists.
// `abilities` is what ProbePages found for this kind; a region that could not have them is not made.
Status MapPages(size_t length, PageKind kind, const Abilities& abilities, Mapping* mapping, Failure* failure);
Status ProtectPages(const Mapping& mapping, Protection protection, Failure* failure);
Status UnmapPages(const Mapping& mapping, Failure* failure);

// What the system says of locking; what follows from it is decided in over-ffi/src/lock-limit.ts.
struct LockNumbers {
  double soft = kUnknown;  // Windows: the minimum of the working set
  double hard = kUnknown;  // Windows: the maximum of it
  double system = kUnlimited;  // macOS: what all processes together may wire
  bool exempt = false;         // the limit does not bind this process
};
void ReadLockNumbers(LockNumbers* numbers);
// Sets the soft limit and leaves the hard one. Only Windows has a use for `most`, the maximum of the working set.
Status SetLockLimit(double soft, double most, Failure* failure);
// Bytes that this process has locked, or kUnknown: what the system counts, and hidden regions where it does not count them.
double LockedByteLength();
// Bytes of hidden pages that the kernel does not count; 0 where it does.
double UncountedByteLength();
// Whether this kernel asks for the lock limit of hidden pages whatever the privileges of the process. Known once there was one.
bool LimitsBindEverybody();

// Mappings of this process now and at most, or kUnknown. Counting takes milliseconds with tens of thousands of mappings.
double CountMappings();
double MappingsMax();

// Facts of `count` mappings in one pass; `facts[i]` belongs to `mappings[i]`.
void InspectPages(const Mapping* const* mappings, Facts* facts, size_t count);

// Whether the kernel refuses to read the first byte, as it must where the pages are hidden from it. True too where nothing can
// be asked; false where it gives a byte, as under an emulator that hands out ordinary memory.
bool KernelCannotRead(const Mapping& mapping);

// Hardening of the whole process; what is lowered to what is decided in over-ffi/src/limit-hardening.ts. kNotSupported where
// the system has nothing of the kind. UINT64_MAX is no limit.
enum class Limit : int { kCore = 0, kLocked = 1, kCpu = 2 };
Status GetLimit(Limit limit, uint64_t* soft, uint64_t* hard, Failure* failure);
Status SetLimit(Limit limit, uint64_t soft, uint64_t hard, Failure* failure);
Status GetDumpable(bool* dumpable, Failure* failure);
Status ForbidDumps(Failure* failure);

}  // namespace securemem
