#include <string.h>

#include "keys_openssl.h"
#include "rsa_blinded.h"
#include "rsa_der.h"

namespace securemem {
namespace {

// Of DigestInfo up to the digest (RFC 8017, 9.2, note 1): two bytes of it say the length, one the hash.
constexpr size_t kInfoByteLength = 19;

// 00 01 FF…FF 00, the DigestInfo, the digest.
void PadPkcs1(Bytes digest, Room padded) {
  const uint8_t length = static_cast<uint8_t>(digest.length), hash = static_cast<uint8_t>(length / 16 - 1);
  const uint8_t info[kInfoByteLength] = {
      0x30, static_cast<uint8_t>(length + 17), 0x30, 0x0d, 0x06, 0x09, 0x60,
      0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, hash, 0x05, 0x00, 0x04, length,
  };
  const size_t content = padded.length - kInfoByteLength - digest.length;
  padded.data[0] = 0;
  padded.data[1] = 1;
  memset(padded.data + 2, 0xff, content - 3);
  padded.data[content - 1] = 0;
  memcpy(padded.data + content, info, kInfoByteLength);
  memcpy(padded.data + content + kInfoByteLength, digest.data, digest.length);
}

const ssl::Digest* HashOf(const OpenSsl& openssl, size_t digest_length) {
  if (digest_length == 32) return openssl.EVP_sha256();
  return digest_length == 48 ? openssl.EVP_sha384() : openssl.EVP_sha512();
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
  // As RFC 8017 asks: emLen of EMSA-PSS, and of EMSA-PKCS1-v1_5 with the bytes that name the hash.
  const size_t needed = IsPss(signing) ? 2 * digest.length + 2 : digest.length + kInfoByteLength + 11;
  const size_t room = IsPss(signing) ? (bits_ + 6) / 8 : modulus;
  if (room < needed) return Status::kKeyInvalid;
  const ErrorMark mark(openssl_);
  uint8_t padded[kSignatureByteLengthMax], signature[kSignatureByteLengthMax];
  if (!IsPss(signing)) {
    PadPkcs1(digest, {padded, modulus});
  } else {
    const ssl::Digest* hash = HashOf(*openssl_, digest.length);
    const int padding =
        openssl_->RSA_padding_add_PKCS1_PSS_mgf1(rsa_, padded, digest.data, hash, hash, ssl::kSaltAsDigest);
    if (padding != 1) return Status::kKeyInvalid;
  }
  const Status status = SignBlinded(*openssl_, rsa_, {padded, modulus}, signature);
  if (status != Status::kOk) return status;
  memcpy(target.data, signature, modulus);
  *length = modulus;
  return Status::kOk;
}

}  // namespace securemem
