#include "cipher.h"

#include <string.h>

#include "stack.h"
#include "vendor/bearssl/inner.h"
#include "wipe.h"

namespace securemem {
namespace {

// More than the deepest chain of calls below uses (about 3 KiB); what they leave behind lies in here.
constexpr size_t kStackByteLength = 12288;

struct Context {
  br_aes_ct64_ctr_keys keys;
  br_gcm_context gcm;
  uint8_t block[256];

  Context(const uint8_t* key, const uint8_t* nonce, const uint8_t* associated, size_t associated_length) {
    br_aes_ct64_ctr_init(&keys, key, kKeyByteLength);
    br_gcm_init(&gcm, &keys.vtable, br_ghash_ctmul64);
    br_gcm_reset(&gcm, nonce, kNonceByteLength);
    // An empty array may have no memory at all, and memcpy wants a pointer even for nothing.
    if (associated_length > 0) br_gcm_aad_inject(&gcm, associated, associated_length);
    br_gcm_flip(&gcm);
  }
  ~Context() { Wipe(this, sizeof *this); }
};

// The plaintext goes through one small block on the stack, never through `sealed`, which is ordinary memory.
SECUREMEM_NOINLINE void SealOnStack(const uint8_t* key, const uint8_t* nonce, const uint8_t* associated,
                                    size_t associated_length, const uint8_t* plaintext, size_t length,
                                    uint8_t* sealed) {
  Context context(key, nonce, associated, associated_length);
  for (size_t offset = 0; offset < length; offset += sizeof context.block) {
    size_t part = length - offset < sizeof context.block ? length - offset : sizeof context.block;
    memcpy(context.block, plaintext + offset, part);
    br_gcm_run(&context.gcm, 1, context.block, part);
    memcpy(sealed + offset, context.block, part);
  }
  br_gcm_get_tag(&context.gcm, sealed + length);
}

// The ciphertext is decrypted where it is to be, so that plaintext exists in the region only.
SECUREMEM_NOINLINE bool UnsealOnStack(const uint8_t* key, const uint8_t* nonce, const uint8_t* associated,
                                      size_t associated_length, const uint8_t* sealed, size_t length,
                                      uint8_t* plaintext) {
  // Whatever is read besides the text comes first, for the text may be written over it: the key and the text may be parts of one
  // region, and the arrays views of it.
  Context context(key, nonce, associated, associated_length);
  uint8_t tag[kTagByteLength];
  memcpy(tag, sealed + length, sizeof tag);
  if (length > 0) memmove(plaintext, sealed, length);
  br_gcm_run(&context.gcm, 0, plaintext, length);
  if (br_gcm_check_tag(&context.gcm, tag) == 1) return true;
  Wipe(plaintext, length);
  return false;
}

}  // namespace

void Seal(const uint8_t* key, const uint8_t* nonce, const uint8_t* associated, size_t associated_length,
          const uint8_t* plaintext, size_t length, uint8_t* sealed) {
  SealOnStack(key, nonce, associated, associated_length, plaintext, length, sealed);
  WipeStack<kStackByteLength>();
}

bool Unseal(const uint8_t* key, const uint8_t* nonce, const uint8_t* associated, size_t associated_length,
            const uint8_t* sealed, size_t length, uint8_t* plaintext) {
  bool authentic =
      UnsealOnStack(key, nonce, associated, associated_length, sealed, length, plaintext);
  WipeStack<kStackByteLength>();
  return authentic;
}

}  // namespace securemem
