// What an error number of a call that maps, protects, advises or locks means, and the numbers that say so.
#pragma once
#include <stddef.h>

#include "status.h"

namespace securemem {

inline Status Fail(Failure* failure, const char* syscall, int error, Status status) {
  failure->syscall = syscall;
  failure->error = error;
  return status;
}

Status MemoryFailure(Failure* failure, const char* syscall, int error);
// Of a lock of `length` bytes, by whatever call it was asked for.
Status LockFailure(Failure* failure, const char* syscall, int error, size_t length);

}  // namespace securemem
