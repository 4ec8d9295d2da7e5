#include "keys_secp256k1.h"

#include <stdlib.h>
#include <string.h>

#include "vendor/libsecp256k1/include/secp256k1.h"
#include "vendor/libsecp256k1/include/secp256k1_ecdh.h"
#include "vendor/libsecp256k1/include/secp256k1_preallocated.h"
#include "vendor/libsecp256k1/include/secp256k1_recovery.h"
#include "wipe.h"

// The library calls these when it is called wrongly or finds itself broken. There is nothing to go on with.
extern "C" void secp256k1_default_illegal_callback_fn(const char*, void*) { abort(); }
extern "C" void secp256k1_default_error_callback_fn(const char*, void*) { abort(); }

namespace securemem {
namespace {

// A context of one call, on the stack. It holds no key. It is not randomised: that would double what a signature takes, and guards
// against somebody who measures the power or the radiation of the processor; the code takes the same time and the same way
// whatever the key is.
class Context {
 public:
  Context() {
    if (secp256k1_context_preallocated_size(SECP256K1_CONTEXT_NONE) <= sizeof place_) {
      context_ = secp256k1_context_preallocated_create(place_, SECP256K1_CONTEXT_NONE);
    }
  }
  ~Context() {
    if (context_ != nullptr) secp256k1_context_preallocated_destroy(context_);
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  const secp256k1_context* get() const { return context_; }

 private:
  alignas(16) uint8_t place_[512];
  secp256k1_context* context_ = nullptr;
};

bool WritePoint(const secp256k1_context* context, const secp256k1_pubkey* point, uint8_t* target) {
  size_t length = 65;
  return secp256k1_ec_pubkey_serialize(context, target, &length, point, SECP256K1_EC_UNCOMPRESSED) == 1;
}

int TakeX(unsigned char* output, const unsigned char* x, const unsigned char*, void*) {
  memcpy(output, x, 32);
  return 1;
}

}  // namespace

Status SignSecp256k1(Bytes key, Bytes digest, Room target) {
  const Context context;
  secp256k1_ecdsa_recoverable_signature signature;
  uint8_t bytes[64];
  int recovery = 0;
  if (context.get() == nullptr) return Status::kFailed;
  if (secp256k1_ecdsa_sign_recoverable(context.get(), &signature, digest.data, key.data, nullptr, nullptr) != 1) {
    return Status::kKeyInvalid;
  }
  secp256k1_ecdsa_recoverable_signature_serialize_compact(context.get(), bytes, &recovery, &signature);
  memcpy(target.data, bytes, sizeof bytes);
  if (target.length > sizeof bytes) target.data[sizeof bytes] = static_cast<uint8_t>(recovery);
  return Status::kOk;
}

Status PublicKeySecp256k1(Bytes key, Room target) {
  const Context context;
  secp256k1_pubkey point;
  if (context.get() == nullptr) return Status::kFailed;
  if (secp256k1_ec_pubkey_create(context.get(), &point, key.data) != 1) return Status::kKeyInvalid;
  return WritePoint(context.get(), &point, target.data) ? Status::kOk : Status::kFailed;
}

Status AgreeSecp256k1(Bytes key, Bytes peer, Room secret) {
  const Context context;
  secp256k1_pubkey point;
  if (context.get() == nullptr) return Status::kFailed;
  if (secp256k1_ec_pubkey_parse(context.get(), &point, peer.data, peer.length) != 1) return Status::kPeerInvalid;
  // Straight into the region.
  if (secp256k1_ecdh(context.get(), secret.data, &point, key.data, TakeX, nullptr) != 1) return Status::kKeyInvalid;
  return Status::kOk;
}

}  // namespace securemem
