#include <string.h>

#include "keys_openssl.h"
#include "wipe.h"

namespace securemem {
namespace {

constexpr size_t kByteLength = 32, kSignatureByteLength = 64;

ssl::Key* PrivateKey(const OpenSsl& openssl, int type, Bytes key) {
  return openssl.EVP_PKEY_new_raw_private_key(type, nullptr, key.data, kByteLength);
}

// With the public key beside the private one, it need not be calculated: half of what a signature takes.
ssl::Key* KeyPair(const OpenSsl& openssl, Bytes key) {
  Owned<ssl::KeyContext> context(openssl.EVP_PKEY_CTX_new_from_name(nullptr, "ED25519", nullptr),
                                 openssl.EVP_PKEY_CTX_free);
  if (context.none()) return nullptr;
  uint8_t* at = const_cast<uint8_t*>(key.data);
  ssl::Parameter parameters[] = {
      {"priv", ssl::kOctets, at, kByteLength, ssl::kUnmodified},
      {"pub", ssl::kOctets, at + kByteLength, kByteLength, ssl::kUnmodified},
      {nullptr, 0, nullptr, 0, 0},
  };
  ssl::Key* pair = nullptr;
  if (openssl.EVP_PKEY_fromdata_init(context.get()) != 1) return nullptr;
  if (openssl.EVP_PKEY_fromdata(context.get(), &pair, ssl::kKeyPair, parameters) != 1) return nullptr;
  return pair;
}

}  // namespace

Status SignEd25519(const OpenSsl& openssl, Bytes key, Bytes message, uint8_t* target) {
  const ErrorMark mark(&openssl);
  Owned<ssl::Key> pair(
      key.length == kByteLength ? PrivateKey(openssl, ssl::kEd25519, key) : KeyPair(openssl, key),
      openssl.EVP_PKEY_free);
  Owned<ssl::DigestContext> context(openssl.EVP_MD_CTX_new(), openssl.EVP_MD_CTX_free);
  if (pair.none() || context.none()) return Status::kFailed;
  if (openssl.EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, pair.get()) != 1) return Status::kFailed;
  // Not into the target: the message is read twice, and where both are one memory the second look would see the first half of the
  // signature. Two answers to one nonce give the key away.
  uint8_t signature[kSignatureByteLength];
  size_t length = sizeof signature;
  // An empty array may have no memory at all.
  const uint8_t* text = message.length > 0 ? message.data : signature;
  const int done = openssl.EVP_DigestSign(context.get(), signature, &length, text, message.length);
  if (done != 1 || length != sizeof signature) return Status::kFailed;
  memcpy(target, signature, sizeof signature);
  return Status::kOk;
}

Status PublicKey25519(const OpenSsl& openssl, int type, Bytes key, uint8_t* target) {
  const ErrorMark mark(&openssl);
  Owned<ssl::Key> pair(PrivateKey(openssl, type, key), openssl.EVP_PKEY_free);
  size_t length = kByteLength;
  if (pair.none() || openssl.EVP_PKEY_get_raw_public_key(pair.get(), target, &length) != 1) return Status::kFailed;
  return Status::kOk;
}

Status AgreeX25519(const OpenSsl& openssl, Bytes key, Bytes peer, Room secret) {
  const ErrorMark mark(&openssl);
  Owned<ssl::Key> ours(PrivateKey(openssl, ssl::kX25519, key), openssl.EVP_PKEY_free);
  Owned<ssl::Key> theirs(openssl.EVP_PKEY_new_raw_public_key(ssl::kX25519, nullptr, peer.data, kByteLength),
                         openssl.EVP_PKEY_free);
  if (ours.none() || theirs.none()) return Status::kFailed;
  Owned<ssl::KeyContext> context(openssl.EVP_PKEY_CTX_new(ours.get(), nullptr), openssl.EVP_PKEY_CTX_free);
  if (context.none() || openssl.EVP_PKEY_derive_init(context.get()) != 1 ||
      openssl.EVP_PKEY_derive_set_peer(context.get(), theirs.get()) != 1) {
    return Status::kFailed;
  }
  size_t length = secret.length;
  const int derived = openssl.EVP_PKEY_derive(context.get(), secret.data, &length);
  // A point of small order agrees on zero whatever the key. OpenSSL refuses that as well, without saying why.
  uint8_t any = 0;
  for (size_t i = 0; i < secret.length; i++) any |= secret.data[i];
  if (derived == 1 && any != 0) return Status::kOk;
  return Status::kPeerInvalid;
}

}  // namespace securemem
