// Linux: what this process may lock, and what it has locked. Sources of the rules: getrlimit(2), capabilities(7).
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <atomic>
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "failure_linux.h"
#include "fault.h"
#include "pages.h"
#include "proc_linux.h"

namespace securemem {
namespace {

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

}  // namespace

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

}  // namespace securemem
