// For tests only, never shipped: an asynchronous native operation that works on memory it was lent, the system call with which
// one process reads another, a thread that looks after ordinary memory, and a look at what calls leave on the stack.
#include <napi.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

namespace {

// 32-bit FNV-1a, as the tests compute it as well.
uint32_t Digest(const uint8_t* bytes, size_t length) {
  uint32_t digest = 2166136261u;
  for (size_t i = 0; i < length; i++) digest = (digest ^ bytes[i]) * 16777619u;
  return digest;
}

// Sleeps on a thread of the pool and only then looks at the bytes. The reference keeps the buffer for that long, which is
// what an operation of a well-behaved addon does.
class SlowDigest : public Napi::AsyncWorker {
 public:
  SlowDigest(Napi::Env env, Napi::Uint8Array array, uint32_t delay_ms)
      : Napi::AsyncWorker(env),
        deferred_(Napi::Promise::Deferred::New(env)),
        reference_(Napi::Persistent(array.As<Napi::Object>())),
        bytes_(array.Data()),
        length_(array.ByteLength()),
        delay_ms_(delay_ms) {}
  Napi::Promise promise() { return deferred_.Promise(); }

 protected:
  void Execute() override {
    usleep(delay_ms_ * 1000);
    digest_ = Digest(bytes_, length_);
  }
  void OnOK() override { deferred_.Resolve(Napi::Number::New(Env(), digest_)); }

 private:
  Napi::Promise::Deferred deferred_;
  Napi::ObjectReference reference_;
  const uint8_t* bytes_;
  size_t length_;
  uint32_t delay_ms_;
  uint32_t digest_ = 0;
};

// slowDigest(bytes, delayMs) -> Promise of a number
Napi::Value StartSlowDigest(const Napi::CallbackInfo& info) {
  auto* worker = new SlowDigest(info.Env(), info[0].As<Napi::Uint8Array>(), info[1].As<Napi::Number>().Uint32Value());
  Napi::Promise promise = worker->promise();
  worker->Queue();
  return promise;
}

// readProcess(pid, address, target) -> bytes read, or the error number negated
Napi::Value ReadProcess(const Napi::CallbackInfo& info) {
  bool lossless;
  Napi::Uint8Array target = info[2].As<Napi::Uint8Array>();
  struct iovec local = {target.Data(), target.ByteLength()};
  uint64_t address = info[1].As<Napi::BigInt>().Uint64Value(&lossless);
  struct iovec remote = {reinterpret_cast<void*>(address), target.ByteLength()};
  ssize_t got = process_vm_readv(info[0].As<Napi::Number>().Int32Value(), &local, 1, &remote, 1, 0);
  return Napi::Number::New(info.Env(), got < 0 ? -static_cast<double>(errno) : static_cast<double>(got));
}

// A thread that maps pages, fills them with patterns, and finds every byte before it unmaps them: what the threads of an engine
// do with their memory. A page that somebody else unmaps ends the process.
class Patterns {
 public:
  void Start() { thread_ = std::thread([this] { Run(); }); }
  void Stop() {
    over_ = true;
    thread_.join();
  }
  long looked = 0, damaged = 0;

 private:
  struct Held {
    uint8_t* base;
    size_t length;
    uint8_t pattern;
  };

  void Run() {
    std::mt19937 random(1);
    std::vector<Held> held;
    while (!over_ || !held.empty()) {
      if (!over_ && held.size() < 24) {
        const size_t length = (1 + random() % 8) * 4096;
        void* base = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (base == MAP_FAILED) continue;
        const Held made = {static_cast<uint8_t*>(base), length, static_cast<uint8_t>(1 + random() % 255)};
        memset(made.base, made.pattern, length);
        held.push_back(made);
        if (held.size() < 16) continue;
      }
      const size_t chosen = random() % held.size();
      LookAt(held[chosen]);
      held[chosen] = held.back();
      held.pop_back();
    }
  }

  void LookAt(const Held& held) {
    bool whole = true;
    for (size_t i = 0; i < held.length; i++) whole = whole && held.base[i] == held.pattern;
    if (!whole) damaged++;
    munmap(held.base, held.length);
    looked++;
  }

  std::atomic<bool> over_{false};
  std::thread thread_;
};

// lookAfterPatterns() -> function that ends it and answers [looked, damaged]
Napi::Value LookAfterPatterns(const Napi::CallbackInfo& info) {
  auto* patterns = new Patterns();
  patterns->Start();
  return Napi::Function::New(info.Env(), [patterns](const Napi::CallbackInfo& stop) {
    patterns->Stop();
    Napi::Array counts = Napi::Array::New(stop.Env(), 2);
    counts.Set(0u, static_cast<double>(patterns->looked));
    counts.Set(1u, static_cast<double>(patterns->damaged));
    delete patterns;
    return counts;
  });
}

// Whatever calls left below the frame of the caller; nothing is called between them and this.
__attribute__((noinline)) void CopyStack(uint8_t* to, size_t length) {
  const volatile uint8_t* here = static_cast<const uint8_t*>(__builtin_frame_address(0));
  for (size_t i = 0; i < length; i++) to[i] = here[static_cast<ptrdiff_t>(i) - static_cast<ptrdiff_t>(length)];
}

// stackAfter(run, target): calls `run`, and fills the target with the stack below as it was left
void StackAfter(const Napi::CallbackInfo& info) {
  Napi::Uint8Array target = info[1].As<Napi::Uint8Array>();
  uint8_t* bytes = target.Data();
  const size_t length = target.ByteLength();
  info[0].As<Napi::Function>().Call({});
  CopyStack(bytes, length);
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("slowDigest", Napi::Function::New<StartSlowDigest>(env));
  exports.Set("stackAfter", Napi::Function::New<StackAfter>(env));
  exports.Set("readProcess", Napi::Function::New<ReadProcess>(env));
  exports.Set("lookAfterPatterns", Napi::Function::New<LookAfterPatterns>(env));
  return exports;
}

}  // namespace

NODE_API_MODULE(test_addon, Init)
