// What every native operation answers. Mirrored in src/status.ts. What a refusal of the system means is decided in one place
// for all backends, from the fields of Failure: over-ffi/src/refusal.ts.
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
  // The system refused a call: Failure names it.
  kRefused = 6,
  // No call was made, since the last mappings are left to the engine.
  kMapLimit = 7,
  // No room for the addon's own notes.
  kOutOfMemory = 8,
  kUnsealFailed = 9,
  kNoExternalBuffers = 10,
  kInUse = 11,
  kKeyInvalid = 12,
  kPeerInvalid = 13,
  // A library that calculates refused, and nothing says why.
  kFailed = 14,
};

// What a refused call asked the system for: that decides what its number can mean. In the order of ASKS in src/failure.ts.
enum class Asks : int { kLock = 0, kHiddenLock = 1, kMemory = 2, kAddressSpace = 3, kDescriptor = 4 };

// Byte counts are bytes; -1 means "not known" or "does not apply". `syscall` is a string with static storage.
struct Failure {
  const char* syscall = "";
  int error = 0;
  Asks asks = Asks::kMemory;
  double requested = -1;
  double mappings = -1;
  double mappings_max = -1;
  double mappings_reserved = -1;
};

inline Status Refuse(Failure* failure, const char* syscall, int error, Asks asks = Asks::kMemory) {
  failure->syscall = syscall;
  failure->error = error;
  failure->asks = asks;
  return Status::kRefused;
}

}  // namespace securemem
