// Signatures by a key of ours: the functions for ordinary keys on their own contexts. Where a context gets its key, a reference becomes
// an ordinary key that was made for this context alone, and goes with it: it is there for one signature.
#include "operations.h"
#include "reference.h"
#include "stack.h"

namespace securemem {
namespace {

// Function numbers of OSSL_OP_SIGNATURE.
constexpr int kNewContext = 1, kSignInit = 2, kVerifyInit = 4, kRecoverInit = 6, kDigestSignInit = 8, kDigestVerifyInit = 12,
              kFreeContext = 16, kCopyContext = 17, kGettable = 19, kSettable = 21, kSignMessageInit = 27,
              kVerifyMessageInit = 30;
constexpr int kPassing[] = {3, 5, 7, 9, 10, 11, 13, 14, 15, 18, 20, 22, 23, 24, 25, 26, 28, 29, 31, 32};
constexpr size_t kReplacementsMax = 16;

// More than the deepest chain of calls into OpenSSL uses.
constexpr size_t kStackByteLength = 32768;

template <Family F>
struct Signature {
  template <typename Function>
  static Function Theirs(int id) {
    return FunctionOf<Function>(OrdinaryOf(F).signature, id);
  }

  static void* NewContext(void*, const char* properties) {
    const auto theirs = Theirs<void* (*)(void*, const char*)>(kNewContext);
    return theirs(OrdinaryOf(F).context, properties);
  }

  static const ssl::Parameter* Gettable(void* context, void*) {
    const auto theirs = Theirs<const ssl::Parameter* (*)(void*, void*)>(kGettable);
    return theirs(context, OrdinaryOf(F).context);
  }

  static const ssl::Parameter* Settable(void* context, void*) {
    const auto theirs = Theirs<const ssl::Parameter* (*)(void*, void*)>(kSettable);
    return theirs(context, OrdinaryOf(F).context);
  }

  // Runs `init` with the key that is to sign. The context holds it from then on.
  template <typename Init>
  static int WithPrivate(void* context, void* key, Init init) {
    Reference* reference = Reference::Of(key);
    if (reference == nullptr) return init(key);
    if (!Uses::Begin(context, reference)) return 0;
    void* imported = reference->Import();
    if (imported == nullptr) {
      Raise(Reason::kEnded);
      return 0;
    }
    const int begun = init(imported);
    OrdinaryOf(F).free(imported);
    return begun;
  }

  static void* ToVerify(void* key) {
    const Reference* reference = Reference::Of(key);
    return reference == nullptr ? key : reference->public_key();
  }

  using Init = int (*)(void*, void*, const ssl::Parameter*);
  using DigestInit = int (*)(void*, const char*, void*, const ssl::Parameter*);

  template <int Id>
  static int ToSign(void* context, void* key, const ssl::Parameter* parameters) {
    const auto theirs = Theirs<Init>(Id);
    return WithPrivate(context, key, [&](void* with) { return theirs(context, with, parameters); });
  }

  template <int Id>
  static int Verifying(void* context, void* key, const ssl::Parameter* parameters) {
    const auto theirs = Theirs<Init>(Id);
    return theirs(context, ToVerify(key), parameters);
  }

  static int DigestSign(void* context, const char* digest, void* key, const ssl::Parameter* parameters) {
    const auto theirs = Theirs<DigestInit>(kDigestSignInit);
    return WithPrivate(context, key, [&](void* with) { return theirs(context, digest, with, parameters); });
  }

  static int DigestVerify(void* context, const char* digest, void* key, const ssl::Parameter* parameters) {
    const auto theirs = Theirs<DigestInit>(kDigestVerifyInit);
    return theirs(context, digest, ToVerify(key), parameters);
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

  static const ssl::Dispatch* Table() {
    static ssl::Dispatch table[kTableMax];
    if (OrdinaryOf(F).signature == nullptr || table[0].id != 0) return table[0].id == 0 ? nullptr : table;
    const Replacement replacements[kReplacementsMax] = {
        {kNewContext, Untyped(NewContext)},
        {kSignInit, Untyped(ToSign<kSignInit>)},
        {kVerifyInit, Untyped(Verifying<kVerifyInit>)},
        {kRecoverInit, Untyped(Verifying<kRecoverInit>)},
        {kDigestSignInit, Untyped(DigestSign)},
        {kDigestVerifyInit, Untyped(DigestVerify)},
        {kFreeContext, Untyped(FreeContext)},
        {kCopyContext, Untyped(CopyContext)},
        {kGettable, Untyped(Gettable)},
        {kSettable, Untyped(Settable)},
        {kSignMessageInit, Untyped(ToSign<kSignMessageInit>)},
        {kVerifyMessageInit, Untyped(Verifying<kVerifyMessageInit>)},
    };
    constexpr Numbers passing = {kPassing, sizeof kPassing / sizeof kPassing[0]};
    DeriveTable(OrdinaryOf(F).signature, replacements, kReplacementsMax, passing, table);
    return table;
  }
};

}  // namespace

const ssl::Dispatch* SignatureTable(Family family) {
  switch (family) {
    case Family::kEc: return Signature<Family::kEc>::Table();
    case Family::kRsa: return Signature<Family::kRsa>::Table();
    case Family::kEd25519: return Signature<Family::kEd25519>::Table();
    default: return nullptr;
  }
}

}  // namespace securemem
