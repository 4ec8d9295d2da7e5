#include "known_answers.h"

#include <string.h>

#include "keys_openssl.h"
#include "known_answers_data.h"

namespace securemem {
namespace {

template <size_t Length>
constexpr Bytes All(const uint8_t (&bytes)[Length]) {
  return {bytes, Length};
}

bool IsSame(Bytes expected, const uint8_t* found, size_t length) {
  return length == expected.length && memcmp(expected.data, found, length) == 0;
}

bool DerivesPublicKey(KeyType type, Bytes key, Bytes expected) {
  uint8_t found[2 * kFieldByteLengthMax + 1];
  size_t length = 0;
  return PublicKeyUnproven(type, key, {found, sizeof found}, &length) == Status::kOk && IsSame(expected, found, length);
}

bool AgreesOn(KeyType type, Bytes key, Bytes peer, Bytes expected) {
  uint8_t found[kFieldByteLengthMax];
  return AgreeUnproven(type, key, peer, {found, expected.length}) == Status::kOk &&
         IsSame(expected, found, expected.length);
}

bool SignsAs(Signing signing, Bytes key, Bytes message, Bytes expected) {
  uint8_t found[kModulusBitsMin / 8];
  size_t length = 0;
  const Room room = {found, expected.length};
  return SignUnproven(signing, key, message, room, &length) == Status::kOk && IsSame(expected, found, length);
}

// Signatures of these curves are other ones each time.
bool SignsVerifiably(Signing signing, const Curve& curve, Bytes key, Bytes point, size_t digest_length) {
  uint8_t found[2 * kFieldByteLengthMax];
  size_t length = 0;
  const Bytes digest = {kDigest, digest_length};
  if (SignUnproven(signing, key, digest, {found, 2 * curve.width}, &length) != Status::kOk) return false;
  return VerifyEc(*FindOpenSsl(), curve, point, digest, {found, length});
}

bool Ed25519Works() {
  uint8_t pair[64];
  memcpy(pair, kEd25519Key, 32);
  memcpy(pair + 32, kEd25519Public, 32);
  const Bytes nothing = {kDigest, 0};
  return DerivesPublicKey(KeyType::kEd25519, All(kEd25519Key), All(kEd25519Public)) &&
         SignsAs(Signing::kEd25519, All(kEd25519Key), nothing, All(kEd25519Signature)) &&
         SignsAs(Signing::kEd25519, All(pair), nothing, All(kEd25519Signature));
}

bool X25519Works() {
  return DerivesPublicKey(KeyType::kX25519, All(kX25519Key), All(kX25519Public)) &&
         AgreesOn(KeyType::kX25519, All(kX25519Key), All(kX25519Peer), All(kX25519Secret));
}

bool CurveWorks(KeyType type, Signing signing, const Curve& curve, size_t digest_length, Bytes key, Bytes point,
                Bytes secret) {
  return DerivesPublicKey(type, key, point) && AgreesOn(type, key, point, secret) &&
         SignsVerifiably(signing, curve, key, point, digest_length);
}

bool Secp256k1Works() {
  const KeyType type = KeyType::kSecp256k1;
  return DerivesPublicKey(type, All(kSecp256k1Key), All(kSecp256k1Public)) &&
         AgreesOn(type, All(kSecp256k1Key), All(kSecp256k1Public), All(kSecp256k1Secret)) &&
         SignsAs(Signing::kEs256k, All(kSecp256k1Key), All(kSecp256k1Digest), All(kSecp256k1Signature));
}

bool RsaWorks() {
  uint8_t signature[kModulusBitsMin / 8];
  size_t length = 0;
  const Bytes digest = {kDigest, 32};
  // A signature in PSS is another one each time, and none leaves unchecked.
  return SignsAs(Signing::kRs256, All(kRsaKey), digest, All(kRsaSignature)) &&
         SignUnproven(Signing::kPs256, All(kRsaKey), digest, {signature, sizeof signature}, &length) == Status::kOk;
}

uint32_t Bit(KeyType type, bool works) { return works ? 1u << static_cast<int>(type) : 0; }

}  // namespace

uint32_t AskKnownQuestions() {
  uint32_t known = Bit(KeyType::kSecp256k1, Secp256k1Works());
  if (FindOpenSsl() == nullptr) return known;
  known |= Bit(KeyType::kEd25519, Ed25519Works());
  known |= Bit(KeyType::kX25519, X25519Works());
  known |= Bit(KeyType::kP256, CurveWorks(KeyType::kP256, Signing::kEs256, {ssl::kP256, 32}, 32, All(kP256Key),
                                          All(kP256Public), All(kP256Secret)));
  known |= Bit(KeyType::kP384, CurveWorks(KeyType::kP384, Signing::kEs384, {ssl::kP384, 48}, 48, All(kP384Key),
                                          All(kP384Public), All(kP384Secret)));
  known |= Bit(KeyType::kP521, CurveWorks(KeyType::kP521, Signing::kEs512, {ssl::kP521, 66}, 64, All(kP521Key),
                                          All(kP521Public), All(kP521Secret)));
  return known | Bit(KeyType::kRsa, RsaWorks());
}

}  // namespace securemem
