#include <string.h>

#include "keys_openssl.h"
#include "rsa_der.h"

namespace securemem {
namespace {

struct Hash {
  int nid;
  const ssl::Digest* (*digest)();
};

Hash HashOf(const OpenSsl& openssl, size_t digest_length) {
  if (digest_length == 32) return {ssl::kSha256, openssl.EVP_sha256};
  if (digest_length == 48) return {ssl::kSha384, openssl.EVP_sha384};
  return {ssl::kSha512, openssl.EVP_sha512};
}

bool IsPss(Signing signing) { return signing >= Signing::kPs256; }

}  // namespace

Status RsaKey::Read(const OpenSsl& openssl, Bytes key) {
  RsaShape shape;
  if (!LookThroughRsa(key, &shape)) return Status::kKeyInvalid;
  const ErrorMark mark(&openssl);
  const uint8_t* at = key.data;
  openssl_ = &openssl;
  bits_ = shape.modulus_bits;
  rsa_ = openssl.d2i_RSAPrivateKey(nullptr, &at, static_cast<long>(key.length));
  return rsa_ == nullptr ? Status::kFailed : Status::kOk;
}

void RsaKey::Free() {
  if (rsa_ != nullptr) openssl_->RSA_free(rsa_);
  rsa_ = nullptr;
}

Status RsaKey::Sign(Signing signing, Bytes digest, Room target, size_t* length) {
  const size_t modulus = (bits_ + 7) / 8;
  if (target.length < modulus) return Status::kBadRange;
  // As RFC 8017 asks: emLen of EMSA-PSS, and of EMSA-PKCS1-v1_5 with the 19 bytes that name the hash.
  const size_t needed = IsPss(signing) ? 2 * digest.length + 2 : digest.length + 19 + 11;
  const size_t room = IsPss(signing) ? (bits_ + 6) / 8 : modulus;
  if (room < needed) return Status::kKeyInvalid;
  const ErrorMark mark(openssl_);
  uint8_t signature[kSignatureByteLengthMax];
  if (!(IsPss(signing) ? SignPss(digest, signature) : SignPkcs1(digest, signature))) {
    return Status::kKeyInvalid;
  }
  memcpy(target.data, signature, modulus);
  *length = modulus;
  return Status::kOk;
}

bool RsaKey::SignPkcs1(Bytes digest, uint8_t* signature) {
  const Hash hash = HashOf(*openssl_, digest.length);
  const unsigned digest_length = static_cast<unsigned>(digest.length);
  unsigned length = 0;
  return openssl_->RSA_sign(hash.nid, digest.data, digest_length, signature, &length, rsa_) == 1 &&
         openssl_->RSA_verify(hash.nid, digest.data, digest_length, signature, length, rsa_) == 1;
}

bool RsaKey::SignPss(Bytes digest, uint8_t* signature) {
  const int modulus = static_cast<int>((bits_ + 7) / 8);
  const ssl::Digest* hash = HashOf(*openssl_, digest.length).digest();
  uint8_t padded[kSignatureByteLengthMax];
  return openssl_->RSA_padding_add_PKCS1_PSS_mgf1(rsa_, padded, digest.data, hash, hash, ssl::kSaltAsDigest) == 1 &&
         openssl_->RSA_private_encrypt(modulus, padded, signature, rsa_, ssl::kNoPadding) == modulus &&
         openssl_->RSA_public_decrypt(modulus, signature, padded, rsa_, ssl::kNoPadding) == modulus &&
         openssl_->RSA_verify_PKCS1_PSS_mgf1(rsa_, digest.data, hash, hash, padded, ssl::kSaltAsDigest) == 1;
}

}  // namespace securemem
