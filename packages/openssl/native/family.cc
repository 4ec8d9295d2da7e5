#include "family.h"

#include <string.h>

namespace securemem {
namespace {

Ordinary g_ordinary[kFamilyCount];

constexpr const char* kAsked[kFamilyCount] = {"EC", "RSA", "ED25519", "X25519"};

// Names are compared as OpenSSL does it, without regard to case.
bool SameLetters(const char* a, const char* b, size_t length) {
  for (size_t i = 0; i < length; i++) {
    const char x = a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] + 32) : a[i];
    const char y = b[i] >= 'A' && b[i] <= 'Z' ? static_cast<char>(b[i] + 32) : b[i];
    if (x != y) return false;
  }
  return true;
}

bool HasName(const char* names, const char* name) {
  const size_t length = strlen(name);
  for (const char* at = names; at != nullptr; at = strchr(at, ':')) {
    if (*at == ':') at++;
    const char* end = strchr(at, ':');
    const size_t this_length = end == nullptr ? strlen(at) : static_cast<size_t>(end - at);
    if (this_length == length && SameLetters(at, name, length)) return true;
  }
  return false;
}

const ssl::Algorithm* AlgorithmOf(const ProviderFunctions& openssl, const ssl::Provider* provider, int operation, const char* name) {
  int no_cache = 0;
  const ssl::Algorithm* found = openssl.OSSL_PROVIDER_query_operation(provider, operation, &no_cache);
  for (; found != nullptr && found->names != nullptr; found++) {
    if (HasName(found->names, name)) return found;
  }
  return nullptr;
}

// How the family calls its signature or exchange: what it says, or its own name.
const ssl::Dispatch* OperationOf(const ProviderFunctions& openssl, const ssl::Provider* provider, int operation, const Ordinary& of) {
  const auto name_of = FunctionOf<const char* (*)(int)>(of.management, keymgmt::kQueryName);
  const char* name = name_of == nullptr ? nullptr : name_of(operation);
  const ssl::Algorithm* found = AlgorithmOf(openssl, provider, operation, name == nullptr ? of.name : name);
  return found == nullptr ? nullptr : found->implementation;
}

bool Find(const ProviderFunctions& openssl, const char* asked, Ordinary* ordinary) {
  // Kept for good, and the provider with it.
  ssl::KeyManagement* management = openssl.EVP_KEYMGMT_fetch(nullptr, asked, nullptr);
  if (management == nullptr) return false;
  const ssl::Provider* provider = openssl.EVP_KEYMGMT_get0_provider(management);
  const ssl::Algorithm* algorithm = AlgorithmOf(openssl, provider, ssl::kKeyManagement, asked);
  if (algorithm == nullptr) return false;
  const char* end = strchr(algorithm->names, ':');
  const size_t length = end == nullptr ? strlen(algorithm->names) : static_cast<size_t>(end - algorithm->names);
  if (length >= kNameByteLength) return false;
  memcpy(ordinary->name, algorithm->names, length);
  ordinary->names = algorithm->names;
  ordinary->provider = provider;
  ordinary->context = openssl.OSSL_PROVIDER_get0_provider_ctx(provider);
  ordinary->management = algorithm->implementation;
  ordinary->make = FunctionOf<void* (*)(void*)>(ordinary->management, keymgmt::kNew);
  ordinary->free = FunctionOf<void (*)(void*)>(ordinary->management, keymgmt::kFree);
  ordinary->import =
      FunctionOf<int (*)(void*, int, const ssl::Parameter*)>(ordinary->management, keymgmt::kImport);
  ordinary->signature = OperationOf(openssl, provider, ssl::kSignature, *ordinary);
  ordinary->exchange = OperationOf(openssl, provider, ssl::kExchange, *ordinary);
  return ordinary->make != nullptr && ordinary->free != nullptr && ordinary->import != nullptr;
}

bool Contains(Numbers numbers, int id) {
  for (size_t i = 0; i < numbers.count; i++) {
    if (numbers.values[i] == id) return true;
  }
  return false;
}

}  // namespace

Family FamilyOf(KeyType type) {
  if (type == KeyType::kRsa) return Family::kRsa;
  if (type == KeyType::kEd25519) return Family::kEd25519;
  return type == KeyType::kX25519 ? Family::kX25519 : Family::kEc;
}

const Ordinary& OrdinaryOf(Family family) { return g_ordinary[static_cast<int>(family)]; }

bool FindOrdinary(const ProviderFunctions& openssl) {
  for (int i = 0; i < kFamilyCount; i++) {
    // A provider of less than all, as with FIPS, has the first two.
    if (!Find(openssl, kAsked[i], &g_ordinary[i])) g_ordinary[i] = Ordinary();
  }
  return OrdinaryOf(Family::kEc).management != nullptr && OrdinaryOf(Family::kRsa).management != nullptr;
}

void DeriveTable(const ssl::Dispatch* theirs, const Replacement* replacements, size_t count, Numbers through,
                 ssl::Dispatch* table) {
  size_t filled = 0;
  for (; theirs != nullptr && theirs->id != 0 && filled < kTableMax - 1; theirs++) {
    ssl::Function function = Contains(through, theirs->id) ? theirs->function : nullptr;
    for (size_t i = 0; i < count; i++) {
      if (replacements[i].id == theirs->id) function = replacements[i].function;
    }
    if (function != nullptr) table[filled++] = {theirs->id, function};
  }
  table[filled] = {0, nullptr};
}

}  // namespace securemem
