#include "openssl.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

#include <atomic>

#include "lock.h"

namespace securemem {
namespace {

#ifdef _WIN32
void* Find(const char* name) {
  return reinterpret_cast<void*>(GetProcAddress(GetModuleHandleW(nullptr), name));
}
#else
void* Find(const char* name) { return dlsym(RTLD_DEFAULT, name); }
#endif

template <typename Function>
bool Take(Function* function, const char* name) {
  void* found = Find(name);
  *function = reinterpret_cast<Function>(found);
  return found != nullptr;
}

bool TakeAll(OpenSsl* openssl) {
  // Nothing older and no fork has EVP_PKEY_fromdata.
#define SECUREMEM_TAKE(result, name, parameters) \
  if (!Take(&openssl->name, #name)) return false;
  SECUREMEM_OPENSSL(SECUREMEM_TAKE)
#undef SECUREMEM_TAKE
  return true;
}

}  // namespace

const OpenSsl* FindOpenSsl() {
  enum { kNotLooked, kNone, kFound };
  static Lock lock;
  static std::atomic<int> looked{kNotLooked};
  static OpenSsl found;
  if (looked.load(std::memory_order_acquire) == kNotLooked) {
    lock.Acquire();
    if (looked.load(std::memory_order_relaxed) == kNotLooked) {
      looked.store(TakeAll(&found) ? kFound : kNone, std::memory_order_release);
    }
    lock.Release();
  }
  return looked.load(std::memory_order_acquire) == kFound ? &found : nullptr;
}

}  // namespace securemem
