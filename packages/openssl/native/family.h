// The four families of keys as the process has them: what the provider that serves ordinary keys (nearly always OpenSSL's own) does for
// them. Ours does the same for every key that is no reference, by the same functions: OpenSSL's cache of fetched algorithms may answer a
// request for one with ours, and nobody may notice.
#pragma once
#include "keys.h"
#include "provider_functions.h"

namespace securemem {

enum class Family : int { kEc, kRsa, kEd25519, kX25519 };
constexpr int kFamilyCount = 4;

Family FamilyOf(KeyType type);

// A name of our own for a signature or an exchange, which nobody asks for by mistake.
constexpr size_t kNameByteLength = 48;

// Function numbers of OSSL_OP_KEYMGMT.
namespace keymgmt {
constexpr int kNew = 1, kGenInit = 2, kGenSetTemplate = 3, kGenSetParams = 4, kGenSettable = 5, kGen = 6, kGenCleanup = 7, kLoad = 8,
              kFree = 10, kGetParams = 11, kGettable = 12, kSetParams = 13, kSettable = 14, kGenGetParams = 15, kGenGettable = 16,
              kQueryName = 20, kHas = 21, kValidate = 22, kMatch = 23, kImport = 40, kImportTypes = 41, kExport = 42,
              kExportTypes = 43, kDup = 44, kImportTypesEx = 45, kExportTypesEx = 46;
}  // namespace keymgmt

// What serves ordinary keys of one family. Filled once, before any key is open.
struct Ordinary {
  // As OpenSSL names it: the first of `names`.
  char name[kNameByteLength] = {};
  const char* names = nullptr;
  const ssl::Provider* provider = nullptr;
  void* context = nullptr;
  const ssl::Dispatch* management = nullptr;
  // Null where the family has none.
  const ssl::Dispatch* signature = nullptr;
  const ssl::Dispatch* exchange = nullptr;

  void* (*make)(void* context) = nullptr;
  void (*free)(void* key) = nullptr;
  int (*import)(void* key, int selection, const ssl::Parameter* parameters) = nullptr;
};

const Ordinary& OrdinaryOf(Family family);

// Finds all of it. False where the process has no provider for keys of elliptic curves and RSA. Once, before the provider is there:
// asking also makes ordinary ones the first that OpenSSL remembers.
bool FindOrdinary(const ProviderFunctions& openssl);

// What one of our functions replaces in a table of theirs.
struct Replacement {
  int id;
  ssl::Function function;
};

// Numbers of functions that go through as they are.
struct Numbers {
  const int* values;
  size_t count;
};

// A table made of theirs: what is replaced, and what goes through. A function of a number that is in neither list is left out, since
// nobody knows yet whether it takes a key.
constexpr size_t kTableMax = 48;
void DeriveTable(const ssl::Dispatch* theirs, const Replacement* replacements, size_t count, Numbers through,
                 ssl::Dispatch* table);

}  // namespace securemem
