#include "keys.h"

#include <string.h>

#include <atomic>

#include "keys_openssl.h"
#include "keys_secp256k1.h"
#include "known_answers.h"
#include "rsa_der.h"
#include "stack.h"
#include "wipe.h"

namespace securemem {
namespace {

// More than the deepest chain of calls into a library uses (about 12 KiB, a table of RSA on the stack).
constexpr size_t kStackByteLength = 32768;

// Bytes of a scalar or of a coordinate, and the order of the curve; none for RSA.
struct TypeFacts {
  size_t width;
  int nid;
  const char* order;
};

constexpr TypeFacts kTypes[kKeyTypeCount] = {
    {32, ssl::kEd25519, nullptr},
    {32, ssl::kX25519, nullptr},
    {32, ssl::kP256, "\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xbc\xe6\xfa\xad\xa7\x17\x9e\x84"
                     "\xf3\xb9\xca\xc2\xfc\x63\x25\x51"},
    {48, ssl::kP384, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                     "\xc7\x63\x4d\x81\xf4\x37\x2d\xdf\x58\x1a\x0d\xb2\x48\xb0\xa7\x7a\xec\xec\x19\x6a\xcc\xc5\x29\x73"},
    {66, ssl::kP521, "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfa\x51\x86\x87\x83\xbf\x2f\x96\x6b\x7f\xcc\x01\x48\xf7\x09"
                     "\xa5\xd0\x3b\xb5\xc9\xb8\x89\x9c\x47\xae\xbb\x6f\xb7\x1e\x91\x38\x64\x09"},
    {32, 0, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xba\xae\xdc\xe6\xaf\x48\xa0\x3b\xbf\xd2"
            "\x5e\x8c\xd0\x36\x41\x41"},
    {0, 0, nullptr},
};

struct SigningFacts {
  KeyType type;
  // 0 where the message itself is signed.
  size_t digest;
  // 0 where it is the length of the modulus.
  size_t signature;
};

constexpr SigningFacts kSignings[kSigningCount] = {
    {KeyType::kEd25519, 0, 64},    {KeyType::kP256, 32, 64},      {KeyType::kP384, 48, 96},
    {KeyType::kP521, 64, 132},     {KeyType::kSecp256k1, 32, 64}, {KeyType::kSecp256k1, 32, 65},
    {KeyType::kRsa, 32, 0},        {KeyType::kRsa, 48, 0},        {KeyType::kRsa, 64, 0},
    {KeyType::kRsa, 32, 0},        {KeyType::kRsa, 48, 0},        {KeyType::kRsa, 64, 0},
};

constexpr KeyType kAgreements[kAgreementCount] = {KeyType::kX25519, KeyType::kP256, KeyType::kP384, KeyType::kP521,
                                                  KeyType::kSecp256k1};

const TypeFacts& FactsOf(KeyType type) { return kTypes[static_cast<int>(type)]; }

bool KeyLengthFits(KeyType type, size_t length) {
  if (type == KeyType::kRsa) return length > 0;
  return length == FactsOf(type).width || (type == KeyType::kEd25519 && length == 2 * FactsOf(type).width);
}

// From 1 to the order less 1; any 32 bytes are a key of the other two curves. Takes the same time whatever the scalar is.
bool IsKey(KeyType type, Bytes key) {
  const char* order = FactsOf(type).order;
  if (order == nullptr) return true;
  int borrow = 0;
  unsigned any = 0;
  for (size_t i = key.length; i-- > 0;) {
    const int difference = key.data[i] - static_cast<uint8_t>(order[i]) - borrow;
    borrow = difference >> 8 & 1;
    any |= key.data[i];
  }
  return borrow == 1 && any != 0;
}

Status SignFixed(Signing signing, Bytes key, Bytes message, Room target) {
  const KeyType type = TypeOf(signing);
  if (type == KeyType::kSecp256k1) return SignSecp256k1(key, message, target);
  const OpenSsl& openssl = *FindOpenSsl();
  if (type == KeyType::kEd25519) return SignEd25519(openssl, key, message, target.data);
  return SignEc(openssl, {FactsOf(type).nid, FactsOf(type).width}, key, message, target.data);
}

bool Knows(KeyType type) { return (KnownKeyTypes() >> static_cast<int>(type) & 1) == 1; }

}  // namespace

SECUREMEM_NOINLINE Status SignUnproven(Signing signing, Bytes key, Bytes message, Room target, size_t* length) {
  const SigningFacts& facts = kSignings[static_cast<int>(signing)];
  // The digest may lie where the signature goes.
  uint8_t digest[kDigestByteLengthMax];
  if (facts.digest > 0) {
    memcpy(digest, message.data, facts.digest);
    message.data = digest;
  }
  if (facts.signature > 0) {
    if (!IsKey(facts.type, key)) return Status::kKeyInvalid;
    *length = facts.signature;
    return SignFixed(signing, key, message, target);
  }
  RsaKey rsa;
  const Status status = rsa.Read(*FindOpenSsl(), key);
  return status == Status::kOk ? rsa.Sign(signing, message, target, length) : status;
}

SECUREMEM_NOINLINE Status PublicKeyUnproven(KeyType type, Bytes key, Room target, size_t* length) {
  const TypeFacts& facts = FactsOf(type);
  if (type == KeyType::kRsa) {
    RsaShape shape;
    if (!LookThroughRsa(key, &shape)) return Status::kKeyInvalid;
    *length = WriteRsaPublicKey(shape, target);
    return *length <= target.length ? Status::kOk : Status::kBadRange;
  }
  *length = facts.order == nullptr ? facts.width : 2 * facts.width + 1;
  if (target.length < *length) return Status::kBadRange;
  if (!IsKey(type, key)) return Status::kKeyInvalid;
  if (type == KeyType::kSecp256k1) return PublicKeySecp256k1(key, target);
  if (facts.order == nullptr) return PublicKey25519(*FindOpenSsl(), facts.nid, key, target.data);
  return PublicKeyEc(*FindOpenSsl(), {facts.nid, facts.width}, key, target);
}

SECUREMEM_NOINLINE Status AgreeUnproven(KeyType type, Bytes key, Bytes peer, Room secret) {
  const TypeFacts& facts = FactsOf(type);
  if (!IsKey(type, key)) return Status::kKeyInvalid;
  // The peer may lie where the secret goes.
  uint8_t point[2 * kFieldByteLengthMax + 1];
  memcpy(point, peer.data, peer.length);
  const Bytes copy = {point, peer.length};
  // Nothing but the uncompressed form, although the libraries know others of this length.
  if (facts.order != nullptr && point[0] != 4) return Status::kPeerInvalid;
  if (type == KeyType::kSecp256k1) return AgreeSecp256k1(key, copy, secret);
  if (type == KeyType::kX25519) return AgreeX25519(*FindOpenSsl(), key, copy, secret);
  return AgreeEc(*FindOpenSsl(), {facts.nid, facts.width}, key, copy, secret);
}

uint32_t KnownKeyTypes() {
  constexpr uint32_t kNotAsked = 1u << 31;
  static std::atomic<uint32_t> known{kNotAsked};
  if (known.load(std::memory_order_relaxed) == kNotAsked) {
    // Two threads may ask at once, and find the same.
    known.store(AskKnownQuestions(), std::memory_order_relaxed);
    WipeStack<kStackByteLength>();
  }
  return known.load(std::memory_order_relaxed);
}

KeyType TypeOf(Signing signing) { return kSignings[static_cast<int>(signing)].type; }
KeyType TypeOf(Agreement agreement) { return kAgreements[static_cast<int>(agreement)]; }

bool FitsSigning(Signing signing, size_t key_length, size_t message_length) {
  const SigningFacts& facts = kSignings[static_cast<int>(signing)];
  return KeyLengthFits(facts.type, key_length) && (facts.digest == 0 || message_length == facts.digest);
}

Status Sign(Signing signing, Bytes key, Bytes message, Room target, size_t* length) {
  const SigningFacts& facts = kSignings[static_cast<int>(signing)];
  if (!Knows(facts.type)) return Status::kNotSupported;
  if (!FitsSigning(signing, key.length, message.length)) return Status::kBadRange;
  if (facts.signature > 0 && target.length != facts.signature) return Status::kBadRange;
  const Status status = SignUnproven(signing, key, message, target, length);
  WipeStack<kStackByteLength>();
  return status;
}

Status PublicKey(KeyType type, Bytes key, Room target, size_t* length) {
  if (!Knows(type)) return Status::kNotSupported;
  if (!KeyLengthFits(type, key.length)) return Status::kBadRange;
  const Status status = PublicKeyUnproven(type, key, target, length);
  WipeStack<kStackByteLength>();
  return status;
}

Status Agree(Agreement agreement, Bytes key, Bytes peer, Room secret) {
  const KeyType type = TypeOf(agreement);
  const TypeFacts& facts = FactsOf(type);
  if (!Knows(type)) return Status::kNotSupported;
  const size_t peer_length = facts.order == nullptr ? facts.width : 2 * facts.width + 1;
  if (!KeyLengthFits(type, key.length) || peer.length != peer_length || secret.length != facts.width) {
    return Status::kBadRange;
  }
  const Status status = AgreeUnproven(type, key, peer, secret);
  if (status != Status::kOk) Wipe(secret.data, secret.length);
  WipeStack<kStackByteLength>();
  return status;
}

}  // namespace securemem
