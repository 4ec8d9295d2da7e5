#include "key_window.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

#include <atomic>
#include <new>

#include "gate.h"

namespace securemem {
namespace {

// Functions for `read`, which answers in another way than a gate.
struct Looking {
  int (*read)(void* reader, const uint8_t* bytes, size_t length);
  void* reader;
};

class Window : public KeyWindow {
 public:
  Window(Gate* gate, size_t offset, size_t length) : gate_(gate) {
    byte_length = sizeof(KeyWindow);
    look = LookThrough;
    close = Close;
    retain = Retain;
    release = Release;
    look_.offset = offset;
    look_.length = length;
    look_.lasting = true;
    gate_->Retain();
    gate_->Enlist(&look_);
  }

 private:
  ~Window() {
    gate_->Withdraw(&look_);
    gate_->Release();
  }

  static Window* Of(KeyWindow* window) { return static_cast<Window*>(window); }

  static Status Read(void* looking, const uint8_t* bytes, size_t length) {
    const Looking* through = static_cast<const Looking*>(looking);
    return through->read(through->reader, bytes, length) == 1 ? Status::kOk : Status::kKeyInvalid;
  }

  static int LookThrough(KeyWindow* window, int (*read)(void*, const uint8_t*, size_t), void* reader) {
    Looking looking = {read, reader};
    Failure ignored;
    Window* self = Of(window);
    return self->gate_->Take(&self->look_, Read, &looking, &ignored) == Status::kOk ? 1 : 0;
  }

  static void Close(KeyWindow* window) { Of(window)->gate_->Withdraw(&Of(window)->look_); }

  static void Retain(KeyWindow* window) { Of(window)->references_.fetch_add(1, std::memory_order_relaxed); }

  static void Release(KeyWindow* window) {
    if (Of(window)->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete Of(window);
  }

  Gate* const gate_;
  Look look_;
  std::atomic<uint32_t> references_{1};
};

// Nothing is done where the library cannot be found by an address in it: it was loaded in a way that nobody takes back.
void StayLoaded() {
#ifdef _WIN32
  HMODULE ignored;
  const DWORD flags = GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS;
  GetModuleHandleExW(flags, reinterpret_cast<LPCWSTR>(&StayLoaded), &ignored);
#else
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&StayLoaded), &info) == 0) return;
  dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
#endif
}

}  // namespace

KeyWindow* MakeKeyWindow(Gate* gate, size_t offset, size_t length) {
  if (gate == nullptr) return nullptr;
  static std::atomic<bool> stays{false};
  if (!stays.exchange(true)) StayLoaded();
  return new (std::nothrow) Window(gate, offset, length);
}

}  // namespace securemem
