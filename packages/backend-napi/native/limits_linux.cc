// Linux: the limits of this process, and what it has locked. Sources of the rules: getrlimit(2), prctl(2), capabilities(7).
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <atomic>
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

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

int ResourceOf(Limit limit) {
  switch (limit) {
    case Limit::kCore: return RLIMIT_CORE;
    case Limit::kLocked: return RLIMIT_MEMLOCK;
    default: return RLIMIT_CPU;
  }
}

int Get(Limit limit, struct rlimit* value) {
  return SECUREMEM_TRY(-1, getrlimit(static_cast<__rlimit_resource_t>(ResourceOf(limit)), value));
}

int Set(Limit limit, const struct rlimit* value) {
  return SECUREMEM_TRY(-1, setrlimit(static_cast<__rlimit_resource_t>(ResourceOf(limit)), value));
}

double BytesOf(rlim_t value) { return value == RLIM_INFINITY ? kUnlimited : static_cast<double>(value); }

}  // namespace

// In a user namespace CAP_IPC_LOCK shows as effective although the limit still bites, so the capability counts only in the
// first one. It is not asked where it could change nothing.
void ReadLockNumbers(LockNumbers* numbers) {
  struct rlimit limit;
  if (Get(Limit::kLocked, &limit) == 0) {
    numbers->soft = BytesOf(limit.rlim_cur);
    numbers->hard = BytesOf(limit.rlim_max);
  }
  numbers->exempt = numbers->soft != kUnlimited && !LimitsBindEverybody() && HasLockCapability() &&
                    InInitialUserNamespaceCached();
}

Status SetLockLimit(double soft, double, Failure* failure) {
  struct rlimit limit;
  if (Get(Limit::kLocked, &limit) != 0) return Refuse(failure, "getrlimit", errno);
  limit.rlim_cur = static_cast<rlim_t>(soft);
  if (Set(Limit::kLocked, &limit) != 0) return Refuse(failure, "setrlimit", errno);
  return Status::kOk;
}

double LockedByteLength() {
  const double counted = ReadVmLck();
  return counted == kUnknown ? kUnknown : counted + UncountedByteLength();
}

Status GetLimit(Limit limit, uint64_t* soft, uint64_t* hard, Failure* failure) {
  struct rlimit value;
  if (Get(limit, &value) != 0) return Refuse(failure, "getrlimit", errno);
  *soft = value.rlim_cur;
  *hard = value.rlim_max;
  return Status::kOk;
}

Status SetLimit(Limit limit, uint64_t soft, uint64_t hard, Failure* failure) {
  const struct rlimit value = {static_cast<rlim_t>(soft), static_cast<rlim_t>(hard)};
  return Set(limit, &value) == 0 ? Status::kOk : Refuse(failure, "setrlimit", errno);
}

Status GetDumpable(bool* dumpable, Failure* failure) {
  const int answer = SECUREMEM_TRY(-1, prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
  if (answer < 0) return Refuse(failure, "prctl", errno);
  *dumpable = answer != 0;
  return Status::kOk;
}

Status ForbidDumps(Failure* failure) {
  return SECUREMEM_TRY(-1, prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)) == 0 ? Status::kOk : Refuse(failure, "prctl", errno);
}

}  // namespace securemem
