// Functions of the executable by name, looked up at run time.
#pragma once
#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

#include <atomic>

#include "lock.h"

namespace securemem {

inline void* FindSymbol(const char* name) {
#ifdef _WIN32
  return reinterpret_cast<void*>(GetProcAddress(GetModuleHandleW(nullptr), name));
#else
  return dlsym(RTLD_DEFAULT, name);
#endif
}

template <typename Function>
bool TakeSymbol(Function* function, const char* name) {
  void* found = FindSymbol(name);
  *function = reinterpret_cast<Function>(found);
  return found != nullptr;
}

// A table of functions, taken at the first call; null where one of them is missing. Any thread.
template <typename Table, bool (*Take)(Table*)>
const Table* TakenOnce() {
  enum { kNotLooked, kNone, kFound };
  static Lock lock{"symbols"};
  static std::atomic<int> looked{kNotLooked};
  static Table table;
  if (looked.load(std::memory_order_acquire) == kNotLooked) {
    const Held held(&lock);
    if (looked.load(std::memory_order_relaxed) == kNotLooked) {
      looked.store(Take(&table) ? kFound : kNone, std::memory_order_release);
    }
  }
  return looked.load(std::memory_order_acquire) == kFound ? &table : nullptr;
}

}  // namespace securemem
