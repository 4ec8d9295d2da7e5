#include "addon_keys.h"

#include "call.h"
#include "key_window.h"
#include "keys.h"
#include "wipe.h"

namespace securemem {
namespace {

// The arguments that every use of a key begins with, checked: owner, which use, and the range of the key.
struct KeyCall : Call {
  KeyCall(napi_env env, napi_callback_info info, int use_count) : Call(env, info) {
    owner = Small(0);
    use = Small(1);
    double id = Id(2), offset = Number(3), length = Number(4);
    if (!ok || use >= static_cast<uint32_t>(use_count)) return;
    status = environment->table.Find(owner, id, offset, length, &region);
    if (status != Status::kOk) return;
    start = static_cast<size_t>(offset);
    size = static_cast<size_t>(length);
  }

  securemem::Bytes key() const { return {region->mapping.base + start, size}; }
  bool good() const { return ok && status == Status::kOk; }
  Status problem() const { return ok ? status : Status::kBadType; }

  Status status = Status::kBadType;
  uint32_t owner = 0, use = 0;
  Region* region = nullptr;
  size_t start = 0, size = 0;
};

}  // namespace

napi_value ReadKeyTypes(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  return call.Answer(static_cast<double>(KnownKeyTypes()));
}

napi_value SignByRange(napi_env env, napi_callback_info info) {
  KeyCall call(env, info, kSigningCount);
  size_t message_length, room, length = 0;
  const uint8_t* message = call.Bytes(5, &message_length);
  uint8_t* target = call.Bytes(6, &room);
  if (!call.good()) return call.Answer(call.problem(), 0);
  Access access(&call.environment->table, call.region, call.failure());
  if (access.status() != Status::kOk) return call.Answer(access.status(), 0);
  const Signing signing = static_cast<Signing>(call.use);
  const Status signed_as = Sign(signing, call.key(), {message, message_length}, {target, room}, &length);
  const Status status = access.Restore();
  return call.Answer(status == Status::kOk ? signed_as : status, static_cast<double>(length));
}

napi_value PublicKeyOfRange(napi_env env, napi_callback_info info) {
  KeyCall call(env, info, kKeyTypeCount);
  size_t room, length = 0;
  uint8_t* target = call.Bytes(5, &room);
  if (!call.good()) return call.Answer(call.problem(), 0);
  Access access(&call.environment->table, call.region, call.failure());
  if (access.status() != Status::kOk) return call.Answer(access.status(), 0);
  const Status derived = PublicKey(static_cast<KeyType>(call.use), call.key(), {target, room}, &length);
  const Status status = access.Restore();
  return call.Answer(status == Status::kOk ? derived : status, static_cast<double>(length));
}

napi_value AgreeInRange(napi_env env, napi_callback_info info) {
  KeyCall call(env, info, kAgreementCount);
  RegionTable* table = &call.environment->table;
  size_t peer_length;
  const uint8_t* peer = call.Bytes(5, &peer_length);
  double id = call.Id(6), offset = call.Number(7), length = call.Number(8);
  if (!call.good()) return call.Answer(call.problem());
  Region* region;
  const Status found = table->Find(call.owner, id, offset, length, &region);
  if (found != Status::kOk) return call.Answer(found);
  const size_t start = static_cast<size_t>(offset), size = static_cast<size_t>(length);
  const bool apart = region != call.region || start + size <= call.start || call.start + call.size <= start;
  if (!apart) return call.Answer(Status::kBadRange);
  Access key_access(table, call.region, call.failure());
  if (key_access.status() != Status::kOk) return call.Answer(key_access.status());
  Access access(table, region, start, size, call.failure());
  if (access.status() != Status::kOk) return call.Answer(access.status());
  const Room secret = {region->mapping.base + start, size};
  const Status agreed = Agree(static_cast<Agreement>(call.use), call.key(), {peer, peer_length}, secret);
  Status status = access.Restore();
  const Status key_status = key_access.Restore();
  if (status == Status::kOk) status = key_status;
  return call.Answer(status == Status::kOk ? agreed : status);
}

napi_value SignLater(napi_env env, napi_callback_info info) {
  KeyCall call(env, info, kSigningCount);
  size_t digest_length, room;
  const uint8_t* digest = call.Bytes(5, &digest_length);
  double* ticket = static_cast<double*>(call.Array(6, napi_float64_array, &room));
  if (!call.good()) return call.Answer(call.problem(), 0);
  if (room < 1) return call.Answer(Status::kBadType, 0);
  const Signing signing = static_cast<Signing>(call.use);
  if (!IsRsa(signing) || (KnownKeyTypes() >> static_cast<int>(KeyType::kRsa) & 1) == 0) {
    return call.Answer(Status::kNotSupported, 0);
  }
  if (!FitsSigning(signing, call.size, digest_length)) return call.Answer(Status::kBadRange, 0);
  Environment* environment = call.environment;
  napi_value promise =
      SignatureJob::Start(env, &environment->signatures, &environment->failure, environment->table.GateOf(call.region),
                          call.start, call.size, signing, {digest, digest_length}, ticket);
  return promise == nullptr ? call.Answer(Status::kOutOfMemory, 0) : promise;
}

napi_value RevokeSignature(napi_env env, napi_callback_info info) {
  Call call(env, info);
  const double ticket = call.Number(0);
  SignatureJob* job = call.ok ? call.environment->signatures.Find(ticket) : nullptr;
  return call.Answer(job != nullptr && job->TakeBack() ? 1.0 : 0.0);
}

napi_value OpenWindow(napi_env env, napi_callback_info info) {
  KeyCall call(env, info, kKeyTypeCount);
  if (!call.good()) return call.Answer(call.problem(), 0);
  KeyWindow* window = MakeKeyWindow(call.environment->table.GateOf(call.region), call.start, call.size);
  if (window == nullptr) return call.Answer(Status::kOutOfMemory, 0);
  const auto collected = [](napi_env, void* data, void*) {
    KeyWindow* unused = static_cast<KeyWindow*>(data);
    unused->release(unused);
  };
  napi_value external;
  if (napi_create_external(env, window, collected, nullptr, &external) != napi_ok) {
    window->release(window);
    return call.Answer(Status::kOutOfMemory, 0);
  }
  const napi_type_tag tag = {kKeyWindowTag[0], kKeyWindowTag[1]};
  if (napi_type_tag_object(env, external, &tag) != napi_ok) return call.Answer(Status::kNotSupported, 0);
  return external;
}

}  // namespace securemem
