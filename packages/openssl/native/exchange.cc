// Agreement on a secret by a key of ours; as with signatures, a reference becomes an ordinary key for one context.
#include "operations.h"
#include "reference.h"
#include "stack.h"

namespace securemem {
namespace {

// Function numbers of OSSL_OP_KEYEXCH.
constexpr int kNewContext = 1, kInit = 2, kSetPeer = 4, kFreeContext = 5, kCopyContext = 6, kSettable = 8, kGettable = 10;
constexpr int kPassing[] = {3, 7, 9};
constexpr size_t kReplacementsMax = 8;
constexpr size_t kStackByteLength = 32768;

template <Family F>
struct Exchange {
  template <typename Function>
  static Function Theirs(int id) {
    return FunctionOf<Function>(OrdinaryOf(F).exchange, id);
  }

  static void* NewContext(void*) {
    const auto theirs = Theirs<void* (*)(void*)>(kNewContext);
    return theirs(OrdinaryOf(F).context);
  }

  static int Init(void* context, void* key, const ssl::Parameter* parameters) {
    const auto theirs = Theirs<int (*)(void*, void*, const ssl::Parameter*)>(kInit);
    Reference* reference = Reference::Of(key);
    if (reference == nullptr) return theirs(context, key, parameters);
    if (!Uses::Begin(context, reference)) return 0;
    void* imported = reference->Import();
    if (imported == nullptr) {
      Raise(Reason::kEnded);
      return 0;
    }
    const int begun = theirs(context, imported, parameters);
    OrdinaryOf(F).free(imported);
    return begun;
  }

  static int SetPeer(void* context, void* key) {
    const auto theirs = Theirs<int (*)(void*, void*)>(kSetPeer);
    const Reference* reference = Reference::Of(key);
    return theirs(context, reference == nullptr ? key : reference->public_key());
  }

  static void FreeContext(void* context) {
    const auto theirs = Theirs<void (*)(void*)>(kFreeContext);
    theirs(context);
    Uses::End(context);
    WipeStack<kStackByteLength>();
  }

  static void* CopyContext(void* context) {
    const auto theirs = Theirs<void* (*)(void*)>(kCopyContext);
    void* copy = theirs(context);
    if (copy == nullptr || Uses::Copy(context, copy)) return copy;
    FreeContext(copy);
    return nullptr;
  }

  static const ssl::Parameter* Settable(void* context, void*) {
    const auto theirs = Theirs<const ssl::Parameter* (*)(void*, void*)>(kSettable);
    return theirs(context, OrdinaryOf(F).context);
  }

  static const ssl::Parameter* Gettable(void* context, void*) {
    const auto theirs = Theirs<const ssl::Parameter* (*)(void*, void*)>(kGettable);
    return theirs(context, OrdinaryOf(F).context);
  }

  static const ssl::Dispatch* Table() {
    static ssl::Dispatch table[kTableMax];
    if (OrdinaryOf(F).exchange == nullptr || table[0].id != 0) return table[0].id == 0 ? nullptr : table;
    const Replacement replacements[kReplacementsMax] = {
        {kNewContext, Untyped(NewContext)},   {kInit, Untyped(Init)},
        {kSetPeer, Untyped(SetPeer)},         {kFreeContext, Untyped(FreeContext)},
        {kCopyContext, Untyped(CopyContext)}, {kSettable, Untyped(Settable)},
        {kGettable, Untyped(Gettable)},
    };
    constexpr Numbers passing = {kPassing, sizeof kPassing / sizeof kPassing[0]};
    DeriveTable(OrdinaryOf(F).exchange, replacements, kReplacementsMax, passing, table);
    return table;
  }
};

}  // namespace

const ssl::Dispatch* ExchangeTable(Family family) {
  if (family == Family::kEc) return Exchange<Family::kEc>::Table();
  return family == Family::kX25519 ? Exchange<Family::kX25519>::Table() : nullptr;
}

}  // namespace securemem
