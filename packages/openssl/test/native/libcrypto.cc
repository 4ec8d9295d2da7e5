#include "libcrypto.h"

#include <dlfcn.h>

#include "provider_functions.h"
#include "symbols.h"

namespace {

// clang-format off
#define FUNCTIONS(F) \
  F(void*, BIO_new_mem_buf, (const void*, int)) \
  F(int, BIO_free, (void*)) \
  F(void*, PEM_read_bio_PrivateKey, (void*, void**, int (*)(char*, int, int, void*), void*)) \
  F(void, EVP_PKEY_free, (void*)) \
  F(void*, EVP_MD_CTX_new, (void)) \
  F(void, EVP_MD_CTX_free, (void*)) \
  F(int, EVP_MD_CTX_copy_ex, (void*, const void*)) \
  F(int, EVP_DigestSignInit_ex, (void*, void**, const char*, void*, const char*, void*, const void*)) \
  F(int, EVP_DigestSign, (void*, uint8_t*, size_t*, const uint8_t*, size_t)) \
  F(int, EVP_DigestVerifyInit_ex, (void*, void**, const char*, void*, const char*, void*, const void*)) \
  F(int, EVP_DigestVerify, (void*, const uint8_t*, size_t, const uint8_t*, size_t)) \
  F(void*, EVP_PKEY_Q_keygen, (void*, const char*, const char*, ...)) \
  F(int, i2d_PrivateKey, (const void*, uint8_t**)) \
  F(int, i2d_PublicKey, (const void*, uint8_t**)) \
  F(void, ERR_clear_error, (void))
// clang-format on

#define MEMBER(result, name, parameters) result(*name) parameters;
struct {
  FUNCTIONS(MEMBER)
} g;
#undef MEMBER

constexpr size_t kSignatureByteLength = 512;

int NoPassphrase(char*, int, int, void*) { return -1; }

const char* DigestName(bool with_digest) { return with_digest ? "SHA256" : nullptr; }

Bytes Encoded(int (*encode)(const void*, uint8_t**), void* key) {
  const int length = encode(key, nullptr);
  Bytes bytes(length > 0 ? static_cast<size_t>(length) : 0);
  uint8_t* at = bytes.data();
  if (length > 0) encode(key, &at);
  return bytes;
}

}  // namespace

// In the place of provider_functions.cc, which takes nothing but the executable's own: this program has none.
namespace securemem {

namespace {
bool TakeAll(ProviderFunctions* openssl) {
#define TAKE(result, name, parameters) \
  if (!TakeSymbol(&openssl->name, #name)) return false;
  SECUREMEM_PROVIDER_FUNCTIONS(TAKE)
#undef TAKE
  return true;
}
}  // namespace

const ProviderFunctions* FindProviderFunctions() { return TakenOnce<ProviderFunctions, TakeAll>(); }

}  // namespace securemem

bool LoadLibcrypto() {
  if (dlopen("libcrypto.so.3", RTLD_NOW | RTLD_GLOBAL) == nullptr) return false;
#define TAKE(result, name, parameters) \
  if (!securemem::TakeSymbol(&g.name, #name)) return false;
  FUNCTIONS(TAKE)
#undef TAKE
  return true;
}

Key::Key(const std::string& pem) {
  void* text = g.BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  key_ = g.PEM_read_bio_PrivateKey(text, nullptr, NoPassphrase, nullptr);
  g.BIO_free(text);
  g.ERR_clear_error();
}

Key::~Key() { g.EVP_PKEY_free(key_); }

bool Key::Verifies(const Bytes& message, const Bytes& signature, bool with_digest) const {
  void* context = g.EVP_MD_CTX_new();
  const bool right =
      g.EVP_DigestVerifyInit_ex(context, nullptr, DigestName(with_digest), nullptr, nullptr, key_, nullptr) == 1 &&
      g.EVP_DigestVerify(context, signature.data(), signature.size(), message.data(), message.size()) == 1;
  g.EVP_MD_CTX_free(context);
  return right;
}

Signing::Signing() : context_(g.EVP_MD_CTX_new()) {}

Signing::~Signing() {
  g.EVP_MD_CTX_free(context_);
  g.ERR_clear_error();
}

bool Signing::Begin(const Key& key, bool with_digest) {
  return g.EVP_DigestSignInit_ex(context_, nullptr, DigestName(with_digest), nullptr, nullptr, key.key_, nullptr) == 1;
}

bool Signing::ChangeOver() {
  void* copy = g.EVP_MD_CTX_new();
  if (g.EVP_MD_CTX_copy_ex(copy, context_) != 1) {
    g.EVP_MD_CTX_free(copy);
    return false;
  }
  g.EVP_MD_CTX_free(context_);
  context_ = copy;
  return true;
}

bool Signing::Finish(const Bytes& message, Bytes* signature) {
  signature->resize(kSignatureByteLength);
  size_t length = signature->size();
  if (g.EVP_DigestSign(context_, signature->data(), &length, message.data(), message.size()) != 1) return false;
  signature->resize(length);
  return true;
}

bool MakeRsa(Bytes* private_key, Bytes* public_key) {
  constexpr size_t kBits = 1024;
  void* key = g.EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", kBits);
  if (key == nullptr) return false;
  *private_key = Encoded(g.i2d_PrivateKey, key);
  *public_key = Encoded(g.i2d_PublicKey, key);
  g.EVP_PKEY_free(key);
  return !private_key->empty() && !public_key->empty();
}
