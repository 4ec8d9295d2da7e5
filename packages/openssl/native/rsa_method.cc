#include "rsa_method.h"

#include <string.h>

#include "import.h"
#include "operations.h"
#include "reference.h"
#include "rsa_blinded.h"
#include "rsa_der.h"
#include "stack.h"

namespace securemem {
namespace {

const ProviderFunctions* g_functions = nullptr;
const OpenSsl* g_numbers = nullptr;
const ssl::RsaMethod* g_method = nullptr;
int g_extra = -1;

// A copy that OpenSSL makes holds the reference as well.
int Copied(void*, const void*, void** value, int, long, void*) {
  Reference* reference = static_cast<Reference*>(*value);
  if (reference != nullptr) reference->Retain();
  return 1;
}

// Called for every key of RSA in the process; those that are not ours have nothing there.
void Freed(void*, void* value, void*, int, long, void*) {
  if (value != nullptr) static_cast<Reference*>(value)->Release();
}

class ReadKey {
 public:
  ReadKey() = default;
  ~ReadKey() {
    if (rsa_ != nullptr) g_numbers->RSA_free(rsa_);
  }
  ReadKey(const ReadKey&) = delete;
  ReadKey& operator=(const ReadKey&) = delete;

  static int Read(void* reader, const uint8_t* bytes, size_t length) {
    RsaShape shape;
    if (!LookThroughRsa({bytes, length}, &shape)) return 0;
    const uint8_t* at = bytes;
    ReadKey* key = static_cast<ReadKey*>(reader);
    key->rsa_ = g_numbers->d2i_RSAPrivateKey(nullptr, &at, static_cast<long>(length));
    return key->rsa_ == nullptr ? 0 : 1;
  }

  ssl::Rsa* rsa() const { return rsa_; }

 private:
  ssl::Rsa* rsa_ = nullptr;
};

// What is to be raised to the private exponent; false for what does not fit, and for a padding that is OpenSSL's to do.
bool Pad(Bytes content, int padding, Room padded) {
  if (padding == ssl::kPkcs1Padding) {
    return g_functions->RSA_padding_add_PKCS1_type_1(padded.data, static_cast<int>(padded.length), content.data,
                                                     static_cast<int>(content.length)) == 1;
  }
  if (padding != ssl::kNoPadding || content.length != padded.length) return false;
  memcpy(padded.data, content.data, content.length);
  return true;
}

SECUREMEM_NOINLINE int SignWith(Reference* reference, Bytes content, uint8_t* signature, size_t width, int padding) {
  const ErrorMark mark(g_numbers);
  ReadKey key;
  if (!reference->Look(ReadKey::Read, &key)) return -1;
  // What lies in the page may have been changed by a stray write; a longer key would write past `signature`.
  if (static_cast<size_t>(g_functions->RSA_size(key.rsa())) != width) return -1;
  // X9.31, which nobody signs by any more.
  if (padding != ssl::kPkcs1Padding && padding != ssl::kNoPadding) {
    return g_numbers->RSA_private_encrypt(static_cast<int>(content.length), content.data, signature, key.rsa(), padding);
  }
  uint8_t padded[kSignatureByteLengthMax];
  if (!Pad(content, padding, {padded, width})) return -1;
  return SignBlinded(*g_numbers, key.rsa(), {padded, width}, signature) == Status::kOk ? static_cast<int>(width) : -1;
}

// RSA_meth_set_priv_enc: the length of the signature, or -1.
int PrivateEncrypt(int length, const uint8_t* from, uint8_t* to, ssl::Rsa* rsa, int padding) {
  Reference* reference = static_cast<Reference*>(g_functions->RSA_get_ex_data(rsa, g_extra));
  const int width = g_functions->RSA_size(rsa);
  if (reference == nullptr || length < 0 || width <= 0 || static_cast<size_t>(width) > kSignatureByteLengthMax) return -1;
  const int made = SignWith(reference, {from, static_cast<size_t>(length)}, to, static_cast<size_t>(width), padding);
  if (made < 0) Raise(reference->ended() ? Reason::kEnded : Reason::kRefused);
  return made;
}

}  // namespace

void PrepareRsaMethod(const ProviderFunctions& functions) {
  const ssl::Provider* provider = OrdinaryOf(Family::kRsa).provider;
  const OpenSsl* numbers = FindOpenSsl();
  if (numbers == nullptr || provider == nullptr || strcmp(functions.OSSL_PROVIDER_get0_name(provider), "default") != 0) return;
  ssl::RsaMethod* method = functions.RSA_meth_dup(functions.RSA_PKCS1_OpenSSL());
  if (method == nullptr || functions.RSA_meth_set_priv_enc(method, PrivateEncrypt) != 1) return;
  g_extra = functions.CRYPTO_get_ex_new_index(ssl::kExtraOfRsa, 0, nullptr, nullptr, Copied, Freed);
  if (g_extra < 0) return;
  g_functions = &functions;
  g_numbers = numbers;
  g_method = method; // Kept for good: keys of it may outlive everything else.
}

bool HasRsaMethod() { return g_method != nullptr; }

void* MakeRsaKey(Reference* reference, Bytes public_key) {
  // In the default provider a key of RSA is an RSA.
  ssl::Rsa* rsa = static_cast<ssl::Rsa*>(ImportPublic(KeyType::kRsa, public_key));
  if (rsa == nullptr) return nullptr;
  reference->Retain();
  if (g_functions->RSA_set_ex_data(rsa, g_extra, reference) != 1) {
    reference->Release();
  } else if (g_functions->RSA_set_method(rsa, g_method) == 1) {
    return rsa;
  }
  OrdinaryOf(Family::kRsa).free(rsa);
  return nullptr;
}

}  // namespace securemem
