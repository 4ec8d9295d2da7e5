#include "provider.h"

#include <stdarg.h>
#include <string.h>

#include <atomic>

#include "lock.h"
#include "operations.h"
#include "rsa_method.h"

namespace securemem {
namespace {

constexpr char kProperties[] = "provider=securemem";
constexpr char kDecoderProperties[] = "provider=securemem,input=pem";

// What OpenSSL gives a provider, by number: how errors are raised, and how a stream is read.
constexpr int kNewError = 5, kSetDebug = 6, kSetError = 7, kReadStream = 42, kControlStream = 50;
constexpr int kSeek = 128, kTell = 133;
// What a provider gives OpenSSL.
constexpr int kQueryOperation = 1027, kReasonStrings = 1029, kCapabilities = 1030;

struct Core {
  const void* handle;
  void (*new_error)(const void*);
  void (*set_debug)(const void*, const char*, int, const char*);
  void (*set_error)(const void*, uint32_t, const char*, va_list);
  int (*read)(void*, void*, size_t, size_t*);
  int (*control)(void*, int, long, void*);
};
Core g_core;

// OSSL_ITEM.
struct Item {
  unsigned id;
  const char* text;
};
// Node makes the code of an error of it: ERR_OSSL_SECUREMEM_KEY_HAS_ENDED.
constexpr Item kReasons[] = {
    {static_cast<unsigned>(Reason::kEnded), "securemem key has ended"},
    {static_cast<unsigned>(Reason::kStays), "securemem private key stays in its page"},
    {static_cast<unsigned>(Reason::kRefused), "securemem key does not sign this"},
    {0, nullptr},
};

constexpr size_t kSuffixByteLength = 16;
char g_suffix[kSuffixByteLength + 1];
char g_names[2][kFamilyCount][kNameByteLength];
constexpr const char* kOwnNames[2][kFamilyCount] = {
    {"SECUREMEM-ECDSA-", "SECUREMEM-RSA-", "SECUREMEM-ED25519-", ""},
    {"SECUREMEM-ECDH-", "", "", "SECUREMEM-X25519-"},
};

ssl::Algorithm g_management[kFamilyCount + 1], g_signatures[kFamilyCount + 1], g_exchanges[kFamilyCount + 1], g_decoders[2];

void SetError(Reason reason, ...) {
  va_list none;
  va_start(none, reason);
  g_core.set_error(g_core.handle, static_cast<uint32_t>(reason), nullptr, none);
  va_end(none);
}

const ssl::Algorithm* Query(void*, int operation, int* no_cache) {
  *no_cache = 0;
  switch (operation) {
    case ssl::kKeyManagement: return g_management;
    case ssl::kSignature: return g_signatures;
    case ssl::kExchange: return g_exchanges;
    case ssl::kDecoder: return g_decoders;
    default: return nullptr;
  }
}

const Item* ReasonStrings(void*) { return kReasons; }

// What TLS may agree on. OpenSSL 3.0 takes a group from the provider alone that serves its keys at that moment, so where ours does, the
// groups have to come from us. Later ones take it from any, and would have each twice.
int Capabilities(void*, const char* capability, ssl::Callback take, void* argument) {
  constexpr unsigned kTakesFromAny = 5;
  const ProviderFunctions& openssl = *FindProviderFunctions();
  if (openssl.OPENSSL_version_minor() >= kTakesFromAny || strcmp(capability, "TLS-GROUP") != 0) return 1;
  return openssl.OSSL_PROVIDER_get_capabilities(OrdinaryOf(Family::kEc).provider, capability, take, argument);
}

int Begin(const void* handle, const ssl::Dispatch* core, const ssl::Dispatch** functions, void** context) {
  static const ssl::Dispatch table[] = {
      {kQueryOperation, Untyped(Query)}, {kReasonStrings, Untyped(ReasonStrings)},
      {kCapabilities, Untyped(Capabilities)}, {0, nullptr}};
  KeepCore(handle, core);
  if (g_core.read == nullptr || g_core.control == nullptr) return 0;
  *functions = table;
  *context = const_cast<void*>(handle);
  return 1;
}

void MakeTables(const ProviderFunctions& openssl) {
  size_t managements = 0, signatures = 0, exchanges = 0;
  for (int i = 0; i < kFamilyCount; i++) {
    const Family family = static_cast<Family>(i);
    const ssl::Dispatch *management = ManagementTable(family), *signature = SignatureTable(family),
                        *exchange = ExchangeTable(family);
    if (management == nullptr) continue;
    g_management[managements++] = {OrdinaryOf(family).names, kProperties, management, nullptr};
    if (signature != nullptr) g_signatures[signatures++] = {SignatureName(family), kProperties, signature, nullptr};
    if (exchange != nullptr) g_exchanges[exchanges++] = {ExchangeName(family), kProperties, exchange, nullptr};
  }
  // One serves every family.
  g_decoders[0] = {OrdinaryOf(Family::kEc).names, kDecoderProperties, DecoderTable(openssl), nullptr};
}

bool Load(const ProviderFunctions& openssl) {
  uint8_t random[kSuffixByteLength / 2];
  if (openssl.RAND_bytes(random, sizeof random) != 1 || !FindOrdinary(openssl)) return false;
  PrepareRsaMethod(openssl);
  char suffix[kSuffixByteLength + 1] = {};
  for (size_t i = 0; i < sizeof random; i++) {
    suffix[2 * i] = "0123456789abcdef"[random[i] >> 4];
    suffix[2 * i + 1] = "0123456789abcdef"[random[i] & 15];
  }
  SetSuffix(suffix);
  MakeTables(openssl);
  char name[kNameByteLength] = "securemem-";
  memcpy(name + strlen(name), suffix, sizeof suffix);
  return openssl.OSSL_PROVIDER_add_builtin(nullptr, name, Begin) == 1 &&
         openssl.OSSL_PROVIDER_try_load(nullptr, name, 1) != nullptr;
}

}  // namespace

void SetSuffix(const char* suffix) {
  memcpy(g_suffix, suffix, sizeof g_suffix);
  for (int operation = 0; operation < 2; operation++) {
    for (int i = 0; i < kFamilyCount; i++) {
      const size_t length = strlen(kOwnNames[operation][i]);
      memcpy(g_names[operation][i], kOwnNames[operation][i], length);
      memcpy(g_names[operation][i] + length, g_suffix, sizeof g_suffix);
    }
  }
}

const char* SignatureName(Family family) { return g_names[0][static_cast<int>(family)]; }
const char* ExchangeName(Family family) { return g_names[1][static_cast<int>(family)]; }

void KeepCore(const void* handle, const ssl::Dispatch* core) {
  g_core.handle = handle;
  g_core.new_error = FunctionOf<void (*)(const void*)>(core, kNewError);
  g_core.set_debug = FunctionOf<void (*)(const void*, const char*, int, const char*)>(core, kSetDebug);
  g_core.set_error = FunctionOf<void (*)(const void*, uint32_t, const char*, va_list)>(core, kSetError);
  g_core.read = FunctionOf<int (*)(void*, void*, size_t, size_t*)>(core, kReadStream);
  g_core.control = FunctionOf<int (*)(void*, int, long, void*)>(core, kControlStream);
}

void Raise(Reason reason) {
  if (g_core.new_error == nullptr || g_core.set_debug == nullptr || g_core.set_error == nullptr) return;
  g_core.new_error(g_core.handle);
  g_core.set_debug(g_core.handle, "securemem", 0, "");
  SetError(reason);
}

size_t ReadStream(void* stream, uint8_t* target, size_t length) {
  size_t got = 0;
  return g_core.read(stream, target, length, &got) == 1 ? got : 0;
}

int TellStream(void* stream) { return g_core.control(stream, kTell, 0, nullptr); }

void SeekStream(void* stream, int position) { g_core.control(stream, kSeek, position, nullptr); }

bool LoadProvider() {
  enum { kNotTried, kFailed, kLoaded };
  static Lock lock{"provider"};
  static std::atomic<int> state{kNotTried};
  if (state.load(std::memory_order_acquire) != kNotTried) return state.load() == kLoaded;
  const Held held(&lock);
  if (state.load(std::memory_order_relaxed) == kNotTried) {
    const ProviderFunctions* openssl = FindProviderFunctions();
    bool loaded = false;
    if (openssl != nullptr) {
      // What is refused on the way leaves errors in a queue where node:crypto would find them.
      openssl->ERR_set_mark();
      loaded = Load(*openssl);
      openssl->ERR_pop_to_mark();
    }
    state.store(loaded ? kLoaded : kFailed, std::memory_order_release);
  }
  return state.load() == kLoaded;
}

}  // namespace securemem
