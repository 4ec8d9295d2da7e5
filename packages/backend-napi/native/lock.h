// A lock that is held for microseconds: for one change of a protection, or one look at a key. Of our own, since a mutex of the C
// library has another size on glibc and on musl, and one binary serves both.
//
// Order, in this addon and in that of @securemem/openssl, by their names: "region" before "looks", and "provider" before "symbols". Every
// other lock is taken with none of them held. A test tries all pairs of what takes them.
#pragma once
#include <atomic>

#ifdef _WIN32
#include <windows.h>
#else
#include <sched.h>
#endif

namespace securemem {

#ifdef SECUREMEM_LOCK_WATCH
// For a test that looks at the order of locks: told before a lock is waited for, and after it was given back.
void LockWanted(const char* name);
void LockGivenBack(const char* name);
#define SECUREMEM_TELL(what) what
#else
#define SECUREMEM_TELL(what)
#endif

class Lock {
 public:
#ifdef SECUREMEM_LOCK_WATCH
  explicit constexpr Lock(const char* name) : name_(name) {}
#else
  explicit constexpr Lock(const char*) {}
#endif

  void Acquire() {
    SECUREMEM_TELL(LockWanted(name_);)
    while (held_.exchange(true, std::memory_order_acquire)) {
#ifdef _WIN32
      SwitchToThread();
#else
      sched_yield();
#endif
    }
  }
  void Release() {
    held_.store(false, std::memory_order_release);
    SECUREMEM_TELL(LockGivenBack(name_);)
  }

 private:
  std::atomic<bool> held_{false};
  SECUREMEM_TELL(const char* const name_;)
};

// Holds a lock for the length of a scope.
class Held {
 public:
  explicit Held(Lock* lock) : lock_(lock) { lock_->Acquire(); }
  ~Held() { lock_->Release(); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

 private:
  Lock* lock_;
};

}  // namespace securemem
