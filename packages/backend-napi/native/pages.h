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
  Protection protection = Protection::kNoAccess;
  bool guarded = false;
  bool dump_excluded = false;
  ForkBehaviour fork = ForkBehaviour::kInherited;
};

// Special answers of LockLimit().
constexpr double kUnlimited = -1;
constexpr double kUnknown = -2;

size_t PageByteLength();

// What a region of this kind gets here, from trying the calls on one page without locking it.
Status ProbePages(PageKind kind, Abilities* abilities, Failure* failure);

// Zeroed, read-write, locked, guarded, excluded; every page present. On failure nothing exists.
// `fork` is what ProbePages found for this kind; a region that could not have it is not made.
Status MapPages(size_t length, PageKind kind, ForkBehaviour fork, Mapping* mapping, Failure* failure);
Status ProtectPages(const Mapping& mapping, Protection protection, Failure* failure);
Status UnmapPages(const Mapping& mapping, Failure* failure);

// Bytes, kUnlimited or kUnknown.
double LockLimit();
Status RaiseLockLimit(double byte_length, Failure* failure);
// Bytes, or kUnknown.
double LockedByteLength();

// Facts of `count` mappings in one pass; `facts[i]` belongs to `mappings[i]`.
void InspectPages(const Mapping* const* mappings, Facts* facts, size_t count);

// Hardening of the whole process. For the first measure the value is what the system calls dumpable, 0 being "not"; for
// the others it is the limit in force, in bytes or seconds, or kUnlimited or kUnknown.
enum class Measure : int { kNotDumpable = 0, kCoreLimit = 1, kLockLimit = 2, kCpuLimit = 3 };
double MeasureNow(Measure measure);
// Never raises a limit. kNotSupported where the system has nothing of the kind.
Status TakeMeasure(Measure measure, double value_max, Failure* failure);

}  // namespace securemem
