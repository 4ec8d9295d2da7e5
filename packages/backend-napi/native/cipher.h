// AES-256-GCM (NIST SP 800-38D) between a region and ordinary memory, by the instructions of the processor where it has them and
// otherwise by portable code. Constant time; nothing of the key or the plaintext is left on the stack when a call returns. No N-API
// type appears here.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace securemem {

constexpr size_t kKeyByteLength = 32;
constexpr size_t kNonceByteLength = 12;
constexpr size_t kTagByteLength = 16;

// Whether the processor's own instructions are used: x86-64 with AES-NI and PCLMULQDQ.
bool CipherByProcessor();

// `sealed` receives `length` bytes of ciphertext and then the tag.
void Seal(const uint8_t* key, const uint8_t* nonce, const uint8_t* associated, size_t associated_length,
          const uint8_t* plaintext, size_t length, uint8_t* sealed);

// False when the tag does not match; `plaintext` is then zero. `length` counts the ciphertext without the tag.
bool Unseal(const uint8_t* key, const uint8_t* nonce, const uint8_t* associated, size_t associated_length,
            const uint8_t* sealed, size_t length, uint8_t* plaintext);

}  // namespace securemem
