#include "cipher.h"

#include <string.h>

#include <atomic>

#include "fault.h"
#include "stack.h"
#include "vendor/bearssl/inner.h"
#include "wipe.h"

namespace securemem {
namespace {

// Constant time on every processor.
struct Portable {
  using Keys = br_aes_ct64_ctr_keys;
  static void Init(Keys* keys, const uint8_t* key) { br_aes_ct64_ctr_init(keys, key, kKeyByteLength); }
  static constexpr br_ghash kHash = br_ghash_ctmul64;
  // More than the deepest chain of calls below uses (about 3 KiB); what they leave behind lies in here.
  static constexpr size_t kStackByteLength = 12288;
  static void WipeRegisters() {}
};

#if BR_AES_X86NI
// By instructions for AES and for carry-less multiplication, which take the same time whatever the key is.
struct ByProcessor {
  using Keys = br_aes_x86ni_ctr_keys;
  static void Init(Keys* keys, const uint8_t* key) { br_aes_x86ni_ctr_init(keys, key, kKeyByteLength); }
  static constexpr br_ghash kHash = br_ghash_pclmul;
  // The same, of about 1.3 KiB.
  static constexpr size_t kStackByteLength = 4096;
  // The round keys were in them. Registers that the caller keeps are restored to what is the caller's.
  static void WipeRegisters() {
#if defined(__GNUC__) || defined(__clang__)
    __asm__ __volatile__(
        "pxor %%xmm0, %%xmm0\n\tpxor %%xmm1, %%xmm1\n\tpxor %%xmm2, %%xmm2\n\tpxor %%xmm3, %%xmm3\n\t"
        "pxor %%xmm4, %%xmm4\n\tpxor %%xmm5, %%xmm5\n\tpxor %%xmm6, %%xmm6\n\tpxor %%xmm7, %%xmm7\n\t"
        "pxor %%xmm8, %%xmm8\n\tpxor %%xmm9, %%xmm9\n\tpxor %%xmm10, %%xmm10\n\tpxor %%xmm11, %%xmm11\n\t"
        "pxor %%xmm12, %%xmm12\n\tpxor %%xmm13, %%xmm13\n\tpxor %%xmm14, %%xmm14\n\tpxor %%xmm15, %%xmm15"
        :
        :
        : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
          "xmm13", "xmm14", "xmm15");
#endif
  }
};
#endif

template <typename Engine>
struct Context {
  typename Engine::Keys keys;
  br_gcm_context gcm;
  uint8_t block[256];

  Context(const uint8_t* key, const uint8_t* nonce, const uint8_t* associated, size_t associated_length) {
    Engine::Init(&keys, key);
    br_gcm_init(&gcm, &keys.vtable, Engine::kHash);
    br_gcm_reset(&gcm, nonce, kNonceByteLength);
    // An empty array may have no memory at all, and memcpy wants a pointer even for nothing.
    if (associated_length > 0) br_gcm_aad_inject(&gcm, associated, associated_length);
    br_gcm_flip(&gcm);
  }
  ~Context() { Wipe(this, sizeof *this); }
};

// The plaintext goes through one small block on the stack, never through `sealed`, which is ordinary memory.
template <typename Engine>
SECUREMEM_NOINLINE void SealOnStack(const uint8_t* key, const uint8_t* nonce, const uint8_t* associated,
                                    size_t associated_length, const uint8_t* plaintext, size_t length,
                                    uint8_t* sealed) {
  Context<Engine> context(key, nonce, associated, associated_length);
  for (size_t offset = 0; offset < length; offset += sizeof context.block) {
    size_t part = length - offset < sizeof context.block ? length - offset : sizeof context.block;
    memcpy(context.block, plaintext + offset, part);
    br_gcm_run(&context.gcm, 1, context.block, part);
    memcpy(sealed + offset, context.block, part);
  }
  br_gcm_get_tag(&context.gcm, sealed + length);
}

// The ciphertext is decrypted where it is to be, so that plaintext exists in the region only.
template <typename Engine>
SECUREMEM_NOINLINE bool UnsealOnStack(const uint8_t* key, const uint8_t* nonce, const uint8_t* associated,
                                      size_t associated_length, const uint8_t* sealed, size_t length,
                                      uint8_t* plaintext) {
  // Whatever is read besides the text comes first, for the text may be written over it: the key and the text may be parts of one
  // region, and the arrays views of it.
  Context<Engine> context(key, nonce, associated, associated_length);
  uint8_t tag[kTagByteLength];
  memcpy(tag, sealed + length, sizeof tag);
  if (length > 0) memmove(plaintext, sealed, length);
  br_gcm_run(&context.gcm, 0, plaintext, length);
  if (br_gcm_check_tag(&context.gcm, tag) == 1) return true;
  Wipe(plaintext, length);
  return false;
}

template <typename Engine>
void SealBy(const uint8_t* key, const uint8_t* nonce, const uint8_t* associated, size_t associated_length,
            const uint8_t* plaintext, size_t length, uint8_t* sealed) {
  SealOnStack<Engine>(key, nonce, associated, associated_length, plaintext, length, sealed);
  WipeStack<Engine::kStackByteLength>();
  Engine::WipeRegisters();
}

template <typename Engine>
bool UnsealBy(const uint8_t* key, const uint8_t* nonce, const uint8_t* associated, size_t associated_length,
              const uint8_t* sealed, size_t length, uint8_t* plaintext) {
  const bool authentic =
      UnsealOnStack<Engine>(key, nonce, associated, associated_length, sealed, length, plaintext);
  WipeStack<Engine::kStackByteLength>();
  Engine::WipeRegisters();
  return authentic;
}

#if BR_AES_X86NI
// Whether the processor has the instructions, and they give what the portable code gives: the control of each other.
bool ProcessorAnswersRight() {
  if (br_aes_x86ni_ctr_get_vtable() == nullptr || br_ghash_pclmul_get() == nullptr) return false;
  constexpr size_t kLength = 83;
  uint8_t key[kKeyByteLength], text[kLength], by_processor[kLength + kTagByteLength], portable[kLength + kTagByteLength];
  for (size_t i = 0; i < sizeof key; i++) key[i] = static_cast<uint8_t>(i * 7 + 1);
  for (size_t i = 0; i < kLength; i++) text[i] = static_cast<uint8_t>(i);
  SealBy<ByProcessor>(key, key, text, 24, text, kLength, by_processor);
  SealBy<Portable>(key, key, text, 24, text, kLength, portable);
  return memcmp(by_processor, portable, sizeof portable) == 0;
}

// Asked once: the instruction that answers traps in virtual machines. Threads that ask at once find the same.
bool HasProcessor() {
  static std::atomic<int> known{0};
  int answer = known.load(std::memory_order_relaxed);
  if (answer == 0) {
    answer = ProcessorAnswersRight() ? 2 : 1;
    known.store(answer, std::memory_order_relaxed);
  }
  return answer == 2;
}
#endif

}  // namespace

bool CipherByProcessor() {
#if BR_AES_X86NI
#ifdef SECUREMEM_TEST_FAULTS
  if (g_portable_cipher) return false;
#endif
  return HasProcessor();
#else
  return false;
#endif
}

void Seal(const uint8_t* key, const uint8_t* nonce, const uint8_t* associated, size_t associated_length,
          const uint8_t* plaintext, size_t length, uint8_t* sealed) {
#if BR_AES_X86NI
  if (CipherByProcessor()) {
    SealBy<ByProcessor>(key, nonce, associated, associated_length, plaintext, length, sealed);
    return;
  }
#endif
  SealBy<Portable>(key, nonce, associated, associated_length, plaintext, length, sealed);
}

bool Unseal(const uint8_t* key, const uint8_t* nonce, const uint8_t* associated, size_t associated_length,
            const uint8_t* sealed, size_t length, uint8_t* plaintext) {
#if BR_AES_X86NI
  if (CipherByProcessor()) {
    return UnsealBy<ByProcessor>(key, nonce, associated, associated_length, sealed, length, plaintext);
  }
#endif
  return UnsealBy<Portable>(key, nonce, associated, associated_length, sealed, length, plaintext);
}

}  // namespace securemem
