// What JavaScript calls: three functions. A window comes from another addon and goes to a reference; no address is a value of
// JavaScript.
#include <node_api.h>

#include <new>

#include "key_window.h"
#include "provider_functions.h"
#include "provider.h"
#include "reference.h"

namespace securemem {
namespace {

// Mirrored in src/binding.ts.
enum class Answer : int { kOk = 0, kBadType = 1, kNoProvider = 2, kRefused = 3 };

constexpr size_t kArgumentsMax = 4;

napi_value Number(napi_env env, int value) {
  napi_value result;
  napi_create_int32(env, value, &result);
  return result;
}

struct Arguments {
  Arguments(napi_env its_env, napi_callback_info info) : env(its_env) {
    size_t count = kArgumentsMax;
    napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
  }

  // Null for anything but an ordinary array of bytes.
  uint8_t* BytesAt(size_t index, size_t* length) const {
    napi_typedarray_type type;
    void* data = nullptr;
    napi_value buffer;
    bool plain = false, detached = true;
    if (napi_get_typedarray_info(env, values[index], &type, length, &data, &buffer, nullptr) != napi_ok ||
        type != napi_uint8_array || napi_is_arraybuffer(env, buffer, &plain) != napi_ok || !plain ||
        napi_is_detached_arraybuffer(env, buffer, &detached) != napi_ok || detached) {
      return nullptr;
    }
    return static_cast<uint8_t*>(data);
  }

  const uint8_t* IdAt(size_t index) const {
    size_t length;
    const uint8_t* id = BytesAt(index, &length);
    return id != nullptr && length == kIdByteLength ? id : nullptr;
  }

  // Null for anything but what the other addon made.
  KeyWindow* WindowAt(size_t index) const {
    const napi_type_tag tag = {kKeyWindowTag[0], kKeyWindowTag[1]};
    napi_valuetype type;
    bool is_window = false;
    void* data = nullptr;
    if (napi_typeof(env, values[index], &type) != napi_ok || type != napi_external ||
        napi_check_object_type_tag(env, values[index], &tag, &is_window) != napi_ok || !is_window ||
        napi_get_value_external(env, values[index], &data) != napi_ok) {
      return nullptr;
    }
    KeyWindow* window = static_cast<KeyWindow*>(data);
    return window != nullptr && window->byte_length >= sizeof(KeyWindow) ? window : nullptr;
  }

  napi_env env;
  napi_value values[kArgumentsMax];
};

// supported() -> 1 or 0; OpenSSL hears nothing of it
napi_value Supported(napi_env env, napi_callback_info) { return Number(env, FindProviderFunctions() == nullptr ? 0 : 1); }

// open(type, window, publicKey, id) -> Answer. The id is 16 bytes that nobody can guess.
napi_value Open(napi_env env, napi_callback_info info) {
  const Arguments given(env, info);
  uint32_t type = kKeyTypeCount;
  size_t length;
  KeyWindow* window = given.WindowAt(1);
  const uint8_t* public_key = given.BytesAt(2, &length);
  const uint8_t* id = given.IdAt(3);
  if (napi_get_value_uint32(env, given.values[0], &type) != napi_ok || type >= kKeyTypeCount || window == nullptr ||
      public_key == nullptr || id == nullptr) {
    return Number(env, static_cast<int>(Answer::kBadType));
  }
  if (!LoadProvider()) return Number(env, static_cast<int>(Answer::kNoProvider));
  const ProviderFunctions& openssl = *FindProviderFunctions();
  openssl.ERR_set_mark();
  const Reference* opened = Reference::Open(static_cast<KeyType>(type), window, {public_key, length}, id, env);
  openssl.ERR_pop_to_mark();
  return Number(env, static_cast<int>(opened == nullptr ? Answer::kRefused : Answer::kOk));
}

// close(id) -> 1, or 0 where there is none of this id
napi_value Close(napi_env env, napi_callback_info info) {
  const Arguments given(env, info);
  const uint8_t* id = given.IdAt(0);
  return Number(env, id != nullptr && Reference::End(id) ? 1 : 0);
}

void EndEnvironment(void* env) { Reference::EndAllOf(env); }

}  // namespace
}  // namespace securemem

NAPI_MODULE_INIT() {
  static const struct {
    const char* name;
    napi_callback callback;
  } kFunctions[] = {{"supported", securemem::Supported}, {"open", securemem::Open}, {"close", securemem::Close}};
  for (const auto& function : kFunctions) {
    napi_value made;
    if (napi_create_function(env, function.name, NAPI_AUTO_LENGTH, function.callback, nullptr, &made) == napi_ok) {
      napi_set_named_property(env, exports, function.name, made);
    }
  }
  napi_add_env_cleanup_hook(env, securemem::EndEnvironment, env);
  return exports;
}
