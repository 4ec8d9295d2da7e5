// The arguments and the answer of one call from JavaScript. They are read with the plain calls below node-addon-api, since their
// status is all that is wanted and an access takes a few of them.
#pragma once
#include <napi.h>

#include "environment.h"

namespace securemem {

constexpr size_t kArgumentsMax = 9;

// The arguments of one call. After a failed conversion `ok` stays false and the call answers kBadType.
class Call {
 public:
  Call(napi_env env, napi_callback_info info) : env(env) {
    size_t count = kArgumentsMax;
    void* data = nullptr;
    napi_get_cb_info(env, info, &count, arguments_, nullptr, &data);
    environment = static_cast<Environment*>(data);
  }

  // For functions whose arguments are in `numbers`, all but the first or all.
  enum Few : size_t { kNoArguments = 0, kOneArgument = 1 };
  Call(napi_env env, napi_callback_info info, Few few) : env(env) {
    size_t count = few;
    void* data = nullptr;
    napi_get_cb_info(env, info, &count, arguments_, nullptr, &data);
    environment = static_cast<Environment*>(data);
  }

  double Number(size_t index) {
    double value = 0;
    if (napi_get_value_double(env, arguments_[index], &value) != napi_ok) ok = false;
    return value;
  }

  // Whatever is no number is no live id either.
  double Id(size_t index) const {
    double value = 0;
    napi_get_value_double(env, arguments_[index], &value);
    return value;
  }

  uint32_t Small(size_t index) {
    uint32_t value = 0;
    if (napi_get_value_uint32(env, arguments_[index], &value) != napi_ok) ok = false;
    return value;
  }

  napi_value Value(size_t index) const { return arguments_[index]; }

  // A typed array over an attached ArrayBuffer; shared memory is refused, since another thread could change it.
  void* Array(size_t index, napi_typedarray_type type, size_t* length) {
    napi_typedarray_type found;
    void* data = nullptr;
    napi_value buffer;
    bool plain = false, detached = false;
    if (napi_get_typedarray_info(env, arguments_[index], &found, length, &data, &buffer, nullptr) != napi_ok ||
        found != type || napi_is_arraybuffer(env, buffer, &plain) != napi_ok || !plain ||
        napi_is_detached_arraybuffer(env, buffer, &detached) != napi_ok || detached) {
      ok = false;
      *length = 0;
      return nullptr;
    }
    return data;
  }

  uint8_t* Bytes(size_t index, size_t* length) {
    return static_cast<uint8_t*>(Array(index, napi_uint8_array, length));
  }

  napi_value Answer(double value) const {
    napi_value result;
    napi_create_double(env, value, &result);
    return result;
  }

  napi_value Answer(Status status) const {
    napi_value result;
    napi_create_int32(env, static_cast<int>(status), &result);
    return result;
  }

  // For calls whose success is a number above 0: a failure is the status, negated.
  napi_value Answer(Status status, double value) const {
    return status == Status::kOk ? Answer(value) : Answer(-static_cast<double>(static_cast<int>(status)));
  }

  Failure* failure() const {
    environment->failure = Failure();
    return &environment->failure;
  }

  napi_env env;
  Environment* environment;
  bool ok = true;

 private:
  napi_value arguments_[kArgumentsMax];
};

}  // namespace securemem
