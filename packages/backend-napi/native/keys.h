// Signatures, public keys and agreements by private parts that stay where they are: each call reads the key from its place, keeps
// nothing of it and wipes what it left on the stack. No N-API type and no region appears here.
//
// secp256k1 is libsecp256k1's, which is compiled in: its signatures are deterministic (RFC 6979), low and recoverable, and OpenSSL's
// take several times as long. Everything else is done by the OpenSSL that is inside the runtime already; see openssl.h.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "status.h"

namespace securemem {

// In the order of the lists in src/napi-keys.ts.
enum class KeyType : int { kEd25519, kX25519, kP256, kP384, kP521, kSecp256k1, kRsa };
enum class Signing : int {
  kEd25519, kEs256, kEs384, kEs512, kEs256k, kEs256kRecoverable, kRs256, kRs384, kRs512, kPs256, kPs384, kPs512,
};
enum class Agreement : int { kX25519, kP256, kP384, kP521, kSecp256k1 };
constexpr int kKeyTypeCount = 7, kSigningCount = 12, kAgreementCount = 5;

// Of an agreement, a scalar, a coordinate; twice as much of a signature.
constexpr size_t kFieldByteLengthMax = 66;
constexpr size_t kDigestByteLengthMax = 64;
constexpr size_t kModulusBitsMin = 1024, kModulusBitsMax = 16384;
constexpr size_t kSignatureByteLengthMax = kModulusBitsMax / 8;

struct Bytes {
  const uint8_t* data;
  size_t length;
};
struct Room {
  uint8_t* data;
  size_t length;
};

KeyType TypeOf(Signing signing);
KeyType TypeOf(Agreement agreement);
inline bool IsRsa(Signing signing) { return TypeOf(signing) == KeyType::kRsa; }

// A bit for each KeyType that gave the right answers to known questions here. Asked once in the life of the loaded library.
uint32_t KnownKeyTypes();

// Ed25519 signs a message, everything else a digest of the length that the name says. `target` receives r and s in fixed width,
// and the recovery id behind them where the name asks for it; for RSA it may be longer than the signature. kBadRange for another
// length of key, digest or target; kKeyInvalid for what is no key; kNotSupported; kFailed, and the target is as it was.
//
// A key of Ed25519 is 32 bytes, or 64 with the public key behind: nobody else's may be there, for a signature by another public
// key gives the private one away.
Status Sign(Signing signing, Bytes key, Bytes message, Room target, size_t* length);

// Whether key and message have lengths that may be right.
bool FitsSigning(Signing signing, size_t key_length, size_t message_length);

// Raw, an uncompressed point, or an RSAPublicKey in DER.
Status PublicKey(KeyType type, Bytes key, Room target, size_t* length);

// `peer` is raw, or an uncompressed point. kPeerInvalid for a point that is not on the curve and for an agreement on zero. The secret
// reads zero after any failure but kNotSupported and kBadRange, which come before anything.
Status Agree(Agreement agreement, Bytes key, Bytes peer, Room secret);

}  // namespace securemem
