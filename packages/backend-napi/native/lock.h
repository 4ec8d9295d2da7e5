// A lock that is held for microseconds: for one change of a protection, or one look at a key. Of our own, since a mutex of the C
// library has another size on glibc and on musl, and one binary serves both.
#pragma once
#include <atomic>

#ifdef _WIN32
#include <windows.h>
#else
#include <sched.h>
#endif

namespace securemem {

class Lock {
 public:
  void Acquire() {
    while (held_.exchange(true, std::memory_order_acquire)) {
#ifdef _WIN32
      SwitchToThread();
#else
      sched_yield();
#endif
    }
  }
  void Release() { held_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> held_{false};
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
