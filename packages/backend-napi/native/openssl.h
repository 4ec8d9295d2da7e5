// The functions of OpenSSL 3 that sign and agree, taken from the executable at run time: Node exports them. Nothing is linked and no
// header is needed, so one binary serves every release of OpenSSL 3 and loads where there is none (Bun, Deno, Electron).
//
// The functions that take keys as numbers are used, not those for keys of any kind: they read a number from its place in the page,
// and free what they made of it by overwriting it.
#pragma once
#include <stddef.h>
#include <stdint.h>

// clang-format off
#define SECUREMEM_OPENSSL(F) \
  F(int, ERR_set_mark, (void)) \
  F(int, ERR_pop_to_mark, (void)) \
  F(ssl::Bignum*, BN_bin2bn, (const uint8_t*, int, ssl::Bignum*)) \
  F(int, BN_bn2binpad, (const ssl::Bignum*, uint8_t*, int)) \
  F(void, BN_set_flags, (ssl::Bignum*, int)) \
  F(void, BN_clear_free, (ssl::Bignum*)) \
  F(ssl::Bignum*, BN_new, (void)) \
  F(int, BN_cmp, (const ssl::Bignum*, const ssl::Bignum*)) \
  F(int, BN_priv_rand_range, (ssl::Bignum*, const ssl::Bignum*)) \
  F(ssl::BignumContext*, BN_CTX_new, (void)) \
  F(void, BN_CTX_free, (ssl::BignumContext*)) \
  F(ssl::Montgomery*, BN_MONT_CTX_new, (void)) \
  F(void, BN_MONT_CTX_free, (ssl::Montgomery*)) \
  F(int, BN_MONT_CTX_set, (ssl::Montgomery*, const ssl::Bignum*, ssl::BignumContext*)) \
  F(int, BN_to_montgomery, (ssl::Bignum*, const ssl::Bignum*, ssl::Montgomery*, ssl::BignumContext*)) \
  F(int, BN_mod_mul_montgomery, (ssl::Bignum*, const ssl::Bignum*, const ssl::Bignum*, ssl::Montgomery*, ssl::BignumContext*)) \
  F(int, BN_mod_exp_mont, (ssl::Bignum*, const ssl::Bignum*, const ssl::Bignum*, const ssl::Bignum*, ssl::BignumContext*, ssl::Montgomery*)) \
  F(ssl::EcKey*, EC_KEY_new_by_curve_name, (int)) \
  F(void, EC_KEY_free, (ssl::EcKey*)) \
  F(const ssl::EcGroup*, EC_KEY_get0_group, (const ssl::EcKey*)) \
  F(int, EC_KEY_set_private_key, (ssl::EcKey*, const ssl::Bignum*)) \
  F(int, EC_KEY_set_public_key, (ssl::EcKey*, const ssl::EcPoint*)) \
  F(ssl::EcPoint*, EC_POINT_new, (const ssl::EcGroup*)) \
  F(void, EC_POINT_clear_free, (ssl::EcPoint*)) \
  F(int, EC_POINT_mul, (const ssl::EcGroup*, ssl::EcPoint*, const ssl::Bignum*, const ssl::EcPoint*, const ssl::Bignum*, void*)) \
  F(size_t, EC_POINT_point2oct, (const ssl::EcGroup*, const ssl::EcPoint*, int, uint8_t*, size_t, void*)) \
  F(int, EC_POINT_oct2point, (const ssl::EcGroup*, ssl::EcPoint*, const uint8_t*, size_t, void*)) \
  F(ssl::EcdsaSignature*, ECDSA_do_sign, (const uint8_t*, int, ssl::EcKey*)) \
  F(int, ECDSA_do_verify, (const uint8_t*, int, const ssl::EcdsaSignature*, ssl::EcKey*)) \
  F(ssl::EcdsaSignature*, ECDSA_SIG_new, (void)) \
  F(void, ECDSA_SIG_free, (ssl::EcdsaSignature*)) \
  F(void, ECDSA_SIG_get0, (const ssl::EcdsaSignature*, const ssl::Bignum**, const ssl::Bignum**)) \
  F(int, ECDSA_SIG_set0, (ssl::EcdsaSignature*, ssl::Bignum*, ssl::Bignum*)) \
  F(int, ECDH_compute_key, (void*, size_t, const ssl::EcPoint*, const ssl::EcKey*, void*)) \
  F(ssl::Rsa*, d2i_RSAPrivateKey, (ssl::Rsa**, const uint8_t**, long)) \
  F(void, RSA_free, (ssl::Rsa*)) \
  F(void, RSA_get0_key, (const ssl::Rsa*, const ssl::Bignum**, const ssl::Bignum**, const ssl::Bignum**)) \
  F(void, RSA_blinding_off, (ssl::Rsa*)) \
  F(int, RSA_private_encrypt, (int, const uint8_t*, uint8_t*, ssl::Rsa*, int)) \
  F(int, RSA_padding_add_PKCS1_PSS_mgf1, (ssl::Rsa*, uint8_t*, const uint8_t*, const ssl::Digest*, const ssl::Digest*, int)) \
  F(const ssl::Digest*, EVP_sha256, (void)) \
  F(const ssl::Digest*, EVP_sha384, (void)) \
  F(const ssl::Digest*, EVP_sha512, (void)) \
  F(ssl::Key*, EVP_PKEY_new_raw_private_key, (int, void*, const uint8_t*, size_t)) \
  F(ssl::Key*, EVP_PKEY_new_raw_public_key, (int, void*, const uint8_t*, size_t)) \
  F(int, EVP_PKEY_get_raw_public_key, (const ssl::Key*, uint8_t*, size_t*)) \
  F(void, EVP_PKEY_free, (ssl::Key*)) \
  F(ssl::KeyContext*, EVP_PKEY_CTX_new, (ssl::Key*, void*)) \
  F(ssl::KeyContext*, EVP_PKEY_CTX_new_from_name, (void*, const char*, const char*)) \
  F(void, EVP_PKEY_CTX_free, (ssl::KeyContext*)) \
  F(int, EVP_PKEY_fromdata_init, (ssl::KeyContext*)) \
  F(int, EVP_PKEY_fromdata, (ssl::KeyContext*, ssl::Key**, int, ssl::Parameter*)) \
  F(int, EVP_PKEY_derive_init, (ssl::KeyContext*)) \
  F(int, EVP_PKEY_derive_set_peer, (ssl::KeyContext*, ssl::Key*)) \
  F(int, EVP_PKEY_derive, (ssl::KeyContext*, uint8_t*, size_t*)) \
  F(ssl::DigestContext*, EVP_MD_CTX_new, (void)) \
  F(void, EVP_MD_CTX_free, (ssl::DigestContext*)) \
  F(int, EVP_DigestSignInit, (ssl::DigestContext*, ssl::KeyContext**, const ssl::Digest*, void*, ssl::Key*)) \
  F(int, EVP_DigestSign, (ssl::DigestContext*, uint8_t*, size_t*, const uint8_t*, size_t))
// clang-format on

namespace securemem {
namespace ssl {

struct Bignum;
struct BignumContext;
struct Montgomery;
struct EcKey;
struct EcGroup;
struct EcPoint;
struct EcdsaSignature;
struct Rsa;
struct Digest;
struct Key;
struct KeyContext;
struct DigestContext;

// OSSL_PARAM.
struct Parameter {
  const char* key;
  unsigned type;
  void* data;
  size_t byte_length;
  size_t returned;
};
constexpr unsigned kOctets = 5;
constexpr size_t kUnmodified = SIZE_MAX;

constexpr int kKeyPair = 0x87;
constexpr int kConstantTime = 0x04;
constexpr int kUncompressed = 4;
constexpr int kNoPadding = 3;
constexpr int kSaltAsDigest = -1;
constexpr int kEd25519 = 1087, kX25519 = 1034;
constexpr int kP256 = 415, kP384 = 715, kP521 = 716;

}  // namespace ssl

struct OpenSsl {
#define SECUREMEM_MEMBER(result, name, parameters) result(*name) parameters;
  SECUREMEM_OPENSSL(SECUREMEM_MEMBER)
#undef SECUREMEM_MEMBER
};

// Null where the executable lacks any of them. Any thread.
const OpenSsl* FindOpenSsl();

// What fails in OpenSSL leaves errors in a queue of the thread, where node:crypto would find them: this takes ours out again.
class ErrorMark {
 public:
  explicit ErrorMark(const OpenSsl* openssl) : openssl_(openssl) { openssl_->ERR_set_mark(); }
  ~ErrorMark() { openssl_->ERR_pop_to_mark(); }
  ErrorMark(const ErrorMark&) = delete;
  ErrorMark& operator=(const ErrorMark&) = delete;

 private:
  const OpenSsl* openssl_;
};

// Frees at the end of a scope.
template <typename T>
class Owned {
 public:
  Owned(T* value, void (*free)(T*)) : value_(value), free_(free) {}
  ~Owned() {
    if (value_ != nullptr) free_(value_);
  }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  T* get() const { return value_; }
  T** slot() { return &value_; }
  T* release() {
    T* value = value_;
    value_ = nullptr;
    return value;
  }
  bool none() const { return value_ == nullptr; }

 private:
  T* value_;
  void (*free_)(T*);
};

}  // namespace securemem
