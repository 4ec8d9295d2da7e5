// The functions and structures of OpenSSL 3 by which a provider is added to the one in the executable. Everything is looked up at run
// time: nothing is linked and no header is needed, so the addon loads where there is no OpenSSL, and answers that there is none.
#pragma once
#include <stddef.h>
#include <stdint.h>

// OSSL_PARAM, and the few structures that both addons name.
#include "openssl.h"

namespace securemem {
namespace ssl {

struct Provider;
struct KeyManagement;
struct Decoder;

// OSSL_DISPATCH: a function by its number; a table ends with the number 0.
using Function = void (*)();
struct Dispatch {
  int id;
  Function function;
};

// OSSL_ALGORITHM: `names` are separated by colons, and all mean one; a table ends with null.
struct Algorithm {
  const char* names;
  const char* properties;
  const Dispatch* implementation;
  const char* description;
};

constexpr unsigned kInteger = 1, kUnsigned = 2, kText = 4;

using Callback = int (*)(const Parameter* parameters, void* argument);
using PassphraseCallback = int (*)(char* target, size_t size, size_t* length, const Parameter* parameters, void* argument);

// OSSL_OP_*.
constexpr int kKeyManagement = 10, kExchange = 11, kSignature = 12, kDecoder = 21;

// OSSL_KEYMGMT_SELECT_*.
constexpr int kPrivatePart = 0x01, kPublicPart = 0x02;
constexpr int kEverything = 0x87, kAllButPrivate = 0x86;

// RSA_METHOD: how a key of RSA does what it does.
struct RsaMethod;
using PrivateEncrypt = int (*)(int length, const uint8_t* from, uint8_t* to, Rsa* rsa, int padding);
constexpr int kPkcs1Padding = 1;

// CRYPTO_EX_*: what somebody else hangs on a structure of OpenSSL's.
using NewExtra = void (*)(void* parent, void* value, void* all, int index, long number, void* argument);
using CopyExtra = int (*)(void* to, const void* from, void** value, int index, long number, void* argument);
using FreeExtra = NewExtra;
constexpr int kExtraOfRsa = 9;

using ProviderInit = int (*)(const void* handle, const Dispatch* core, const Dispatch** functions, void** context);

}  // namespace ssl

// clang-format off
#define SECUREMEM_PROVIDER_FUNCTIONS(F) \
  F(int, ERR_set_mark, (void)) \
  F(int, ERR_pop_to_mark, (void)) \
  F(int, RAND_bytes, (uint8_t*, int)) \
  F(int, OSSL_PROVIDER_add_builtin, (void*, const char*, ssl::ProviderInit)) \
  F(ssl::Provider*, OSSL_PROVIDER_try_load, (void*, const char*, int)) \
  F(const ssl::Algorithm*, OSSL_PROVIDER_query_operation, (const ssl::Provider*, int, int*)) \
  F(void*, OSSL_PROVIDER_get0_provider_ctx, (const ssl::Provider*)) \
  F(int, OSSL_PROVIDER_get_capabilities, (const ssl::Provider*, const char*, ssl::Callback, void*)) \
  F(unsigned, OPENSSL_version_minor, (void)) \
  F(ssl::KeyManagement*, EVP_KEYMGMT_fetch, (void*, const char*, const char*)) \
  F(const ssl::Provider*, EVP_KEYMGMT_get0_provider, (const ssl::KeyManagement*)) \
  F(ssl::Decoder*, OSSL_DECODER_fetch, (void*, const char*, const char*)) \
  F(const ssl::Provider*, OSSL_DECODER_get0_provider, (const ssl::Decoder*)) \
  F(const char*, OSSL_PROVIDER_get0_name, (const ssl::Provider*)) \
  F(int, CRYPTO_get_ex_new_index, (int, long, void*, ssl::NewExtra, ssl::CopyExtra, ssl::FreeExtra)) \
  F(const ssl::RsaMethod*, RSA_PKCS1_OpenSSL, (void)) \
  F(ssl::RsaMethod*, RSA_meth_dup, (const ssl::RsaMethod*)) \
  F(int, RSA_meth_set_priv_enc, (ssl::RsaMethod*, ssl::PrivateEncrypt)) \
  F(int, RSA_set_method, (ssl::Rsa*, const ssl::RsaMethod*)) \
  F(int, RSA_set_ex_data, (ssl::Rsa*, int, void*)) \
  F(void*, RSA_get_ex_data, (const ssl::Rsa*, int)) \
  F(int, RSA_size, (const ssl::Rsa*)) \
  F(int, RSA_padding_add_PKCS1_type_1, (uint8_t*, int, const uint8_t*, int))
// clang-format on

struct ProviderFunctions {
#define SECUREMEM_MEMBER(result, name, parameters) result(*name) parameters;
  SECUREMEM_PROVIDER_FUNCTIONS(SECUREMEM_MEMBER)
#undef SECUREMEM_MEMBER
};

// Null where the executable itself lacks any of them, as where OpenSSL is a library. Any thread.
const ProviderFunctions* FindProviderFunctions();

// The function of a table with this number, as what it is; null where it has none.
template <typename F>
F FunctionOf(const ssl::Dispatch* table, int id) {
  for (; table != nullptr && table->id != 0; table++) {
    if (table->id == id) return reinterpret_cast<F>(table->function);
  }
  return nullptr;
}

template <typename F>
ssl::Function Untyped(F function) {
  return reinterpret_cast<ssl::Function>(function);
}

}  // namespace securemem
