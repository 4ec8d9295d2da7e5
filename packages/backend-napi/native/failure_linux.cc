#include "failure_linux.h"

#include <errno.h>

#include "pages.h"
#include "proc_linux.h"

namespace securemem {
namespace {

// The mapping count, when it is what stands in the way. Counting costs milliseconds with many mappings, so it is done for
// the error message and nowhere else. While it is made a region needs two mappings, and moving it the room for six more
// (mremap_to in mm/mremap.c).
bool MappingsExhausted(Failure* failure) {
  failure->mappings = CountMappings();
  failure->mappings_max = MappingsMax();
  return failure->mappings >= 0 && failure->mappings_max >= 0 &&
         failure->mappings + 8 > failure->mappings_max;
}

}  // namespace

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

}  // namespace securemem
