// Keys of one family: what is no reference goes through to whoever serves ordinary keys, and a reference is its public key, with a private
// part that is there and is not given out.
//
// A request for everything gets the public part. OpenSSL 3.0 makes itself a copy for older interfaces so, and Node 20 and 22 do not
// check whether they got one; a request for the private part alone is refused.
#include "operations.h"
#include "reference.h"

namespace securemem {
namespace {

constexpr int kPassing[] = {keymgmt::kGenSetParams, keymgmt::kGen,        keymgmt::kGenCleanup,
                            keymgmt::kGenGetParams, keymgmt::kImportTypes, keymgmt::kExportTypes};

constexpr size_t kReplacementsMax = 24;

const void* ToShow(const void* key) {
  const Reference* reference = Reference::Of(key);
  return reference == nullptr ? key : reference->public_key();
}

template <Family F>
struct Management {
  template <typename Function>
  static Function Theirs(int id) {
    return FunctionOf<Function>(OrdinaryOf(F).management, id);
  }
  static void* context() { return OrdinaryOf(F).context; }

  static void* New(void*) { return OrdinaryOf(F).make(context()); }

  static void* GenInit(void*, int selection, const ssl::Parameter* parameters) {
    const auto theirs = Theirs<void* (*)(void*, int, const ssl::Parameter*)>(keymgmt::kGenInit);
    return theirs(context(), selection, parameters);
  }

  static int GenSetTemplate(void* generation, void* key) {
    const auto theirs = Theirs<int (*)(void*, const void*)>(keymgmt::kGenSetTemplate);
    return theirs(generation, ToShow(key));
  }

  static const ssl::Parameter* GenSettable(void* generation, void*) {
    const auto theirs = Theirs<const ssl::Parameter* (*)(void*, void*)>(keymgmt::kGenSettable);
    return theirs(generation, context());
  }

  static const ssl::Parameter* GenGettable(void* generation, void*) {
    const auto theirs = Theirs<const ssl::Parameter* (*)(void*, void*)>(keymgmt::kGenGettable);
    return theirs(generation, context());
  }

  // Nobody but our decoder gives us an object to load: whoever else wants to hand a key over exports it.
  static void* Load(const void* object, size_t length) {
    if (length != sizeof(Reference*)) return nullptr;
    Reference* reference = *static_cast<Reference* const*>(object);
    if (reference == nullptr || reference->family() != F) return nullptr;
    reference->Retain();
    return reference->AsKey();
  }

  static void Free(void* key) {
    Reference* reference = Reference::Of(key);
    if (reference == nullptr) {
      OrdinaryOf(F).free(key);
    } else {
      reference->Release();
    }
  }

  static int GetParams(void* key, ssl::Parameter* parameters) {
    const auto theirs = Theirs<int (*)(const void*, ssl::Parameter*)>(keymgmt::kGetParams);
    return theirs(ToShow(key), parameters);
  }

  static const ssl::Parameter* Gettable(void*) {
    const auto theirs = Theirs<const ssl::Parameter* (*)(void*)>(keymgmt::kGettable);
    return theirs(context());
  }

  static int SetParams(void* key, const ssl::Parameter* parameters) {
    const auto theirs = Theirs<int (*)(void*, const ssl::Parameter*)>(keymgmt::kSetParams);
    return Reference::Of(key) == nullptr ? theirs(key, parameters) : 0;
  }

  static const ssl::Parameter* Settable(void*) {
    const auto theirs = Theirs<const ssl::Parameter* (*)(void*)>(keymgmt::kSettable);
    return theirs(context());
  }

  static const char* QueryName(int operation) {
    const auto theirs = Theirs<const char* (*)(int)>(keymgmt::kQueryName);
    if (operation == ssl::kSignature && SignatureTable(F) != nullptr) return SignatureName(F);
    if (operation == ssl::kExchange && ExchangeTable(F) != nullptr) return ExchangeName(F);
    return theirs == nullptr ? nullptr : theirs(operation);
  }

  static int Has(const void* key, int selection) {
    const auto theirs = Theirs<int (*)(const void*, int)>(keymgmt::kHas);
    if (Reference::Of(key) == nullptr) return theirs(key, selection);
    return theirs(ToShow(key), selection & ~ssl::kPrivatePart);
  }

  static int Validate(const void* key, int selection, int type) {
    const auto theirs = Theirs<int (*)(const void*, int, int)>(keymgmt::kValidate);
    if (Reference::Of(key) == nullptr) return theirs(key, selection, type);
    return theirs(ToShow(key), selection & ~ssl::kPrivatePart, type);
  }

  static int Match(const void* one, const void* other, int selection) {
    const auto theirs = Theirs<int (*)(const void*, const void*, int)>(keymgmt::kMatch);
    if (Reference::Of(one) == nullptr && Reference::Of(other) == nullptr) return theirs(one, other, selection);
    // The public part says which key it is.
    const int shown = (selection & ~ssl::kPrivatePart) | ((selection & ssl::kPrivatePart) != 0 ? ssl::kPublicPart : 0);
    return theirs(ToShow(one), ToShow(other), shown);
  }

  static int Import(void* key, int selection, const ssl::Parameter* parameters) {
    return Reference::Of(key) == nullptr ? OrdinaryOf(F).import(key, selection, parameters) : 0;
  }

  static const ssl::Parameter* ImportTypesEx(void*, int selection) {
    const auto theirs = Theirs<const ssl::Parameter* (*)(void*, int)>(keymgmt::kImportTypesEx);
    return theirs(context(), selection);
  }

  static int Export(void* key, int selection, ssl::Callback take, void* argument) {
    const auto theirs = Theirs<int (*)(void*, int, ssl::Callback, void*)>(keymgmt::kExport);
    Reference* reference = Reference::Of(key);
    if (reference == nullptr) return theirs(key, selection, take, argument);
    if ((selection & ssl::kPrivatePart) != 0 && selection != ssl::kEverything) {
      Raise(Reason::kStays);
      return 0;
    }
    return theirs(reference->public_key(), selection & ~ssl::kPrivatePart, take, argument);
  }

  static const ssl::Parameter* ExportTypesEx(void*, int selection) {
    const auto theirs = Theirs<const ssl::Parameter* (*)(void*, int)>(keymgmt::kExportTypesEx);
    return theirs(context(), selection);
  }

  static void* Dup(const void* key, int selection) {
    const auto theirs = Theirs<void* (*)(const void*, int)>(keymgmt::kDup);
    Reference* reference = Reference::Of(key);
    if (reference == nullptr) return theirs(key, selection);
    if ((selection & ssl::kPrivatePart) == 0) return theirs(reference->public_key(), selection);
    reference->Retain();
    return reference->AsKey();
  }

  static const ssl::Dispatch* Table() {
    static ssl::Dispatch table[kTableMax];
    if (OrdinaryOf(F).management == nullptr || table[0].id != 0) return table[0].id == 0 ? nullptr : table;
    const Replacement replacements[kReplacementsMax] = {
        {keymgmt::kNew, Untyped(New)},
        {keymgmt::kGenInit, Untyped(GenInit)},
        {keymgmt::kGenSetTemplate, Untyped(GenSetTemplate)},
        {keymgmt::kGenSettable, Untyped(GenSettable)},
        {keymgmt::kGenGettable, Untyped(GenGettable)},
        {keymgmt::kFree, Untyped(Free)},
        {keymgmt::kGetParams, Untyped(GetParams)},
        {keymgmt::kGettable, Untyped(Gettable)},
        {keymgmt::kSetParams, Untyped(SetParams)},
        {keymgmt::kSettable, Untyped(Settable)},
        {keymgmt::kHas, Untyped(Has)},
        {keymgmt::kValidate, Untyped(Validate)},
        {keymgmt::kMatch, Untyped(Match)},
        {keymgmt::kImport, Untyped(Import)},
        {keymgmt::kImportTypesEx, Untyped(ImportTypesEx)},
        {keymgmt::kExport, Untyped(Export)},
        {keymgmt::kExportTypesEx, Untyped(ExportTypesEx)},
        {keymgmt::kDup, Untyped(Dup)},
    };
    constexpr Numbers passing = {kPassing, sizeof kPassing / sizeof kPassing[0]};
    // Families that lack one of these two get it all the same.
    DeriveTable(OrdinaryOf(F).management, replacements, kReplacementsMax, passing, table);
    size_t end = 0;
    while (table[end].id != 0) end++;
    table[end++] = {keymgmt::kLoad, Untyped(Load)};
    table[end++] = {keymgmt::kQueryName, Untyped(QueryName)};
    table[end] = {0, nullptr};
    return table;
  }
};

}  // namespace

const ssl::Dispatch* ManagementTable(Family family) {
  switch (family) {
    case Family::kEc: return Management<Family::kEc>::Table();
    case Family::kRsa: return Management<Family::kRsa>::Table();
    case Family::kEd25519: return Management<Family::kEd25519>::Table();
    default: return Management<Family::kX25519>::Table();
  }
}

}  // namespace securemem
