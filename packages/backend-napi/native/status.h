// What every native operation answers, and the numbers that explain a failure. Mirrored in src/status.ts.
#pragma once
#include <stdint.h>

namespace securemem {

enum class Status : int {
  kOk = 0,
  kBadType = 1,
  kBadRange = 2,
  kClosed = 3,
  kDisposed = 4,
  kNotSupported = 5,
  kLockLimit = 6,
  kMapLimit = 7,
  kOutOfMemory = 8,
  kDenied = 9,
  kCannotRaise = 10,
  kPlatform = 11,
  kUnsealFailed = 12,
  kNoExternalBuffers = 13,
  kInUse = 14,
};

// Byte counts are bytes; -1 means "not known" or "does not apply". `syscall` is a string with static storage.
struct Failure {
  const char* syscall = "";
  int error = 0;
  double requested = -1;
  double in_use = -1;
  double limit = -1;
  double hard_limit = -1;
  double mappings = -1;
  double mappings_max = -1;
  // Where no system call was made, since these must be left to others.
  double mappings_reserved = -1;
};

}  // namespace securemem
