import type { Decipher } from 'node:crypto';
import { SecureMemoryError } from '../contract/errors.js';
import { zero } from '../contract/zero.js';

/**
 * Node's `update()` decrypts into a block of one byte more, copies it to the one that it returns, and frees the first as
 * it is (`CipherBase::Update` in Node's `src/crypto/crypto_cipher.cc`): a copy that nobody can wipe. So it is never given
 * more than what glibc overwrites in any block that is freed, the pointer of its lists; elsewhere, what stays is pieces
 * of this length, each on its own. It costs about 1 µs for each piece.
 */
const PIECE_BYTE_LENGTH = 8;

/**
 * Decrypts a whole ciphertext by node:crypto, and gives the plaintext once the tag, which the decipher has been told, was
 * found to match; the caller wipes it. Otherwise throws `ERR_SECMEM_UNSEAL_FAILED` and has wiped it, since OpenSSL gives
 * the text out before it looks at the tag.
 */
export function plaintextOf(
  decipher: Decipher,
  ciphertext: Uint8Array,
  operation: string,
): Uint8Array {
  const byteLength = ciphertext.length;
  const plaintext = new Uint8Array(new ArrayBuffer(byteLength));
  try {
    for (let start = 0; start < byteLength; start += PIECE_BYTE_LENGTH) {
      const end = Math.min(start + PIECE_BYTE_LENGTH, byteLength);
      const piece = decipher.update(ciphertext.subarray(start, end));
      plaintext.set(piece, start);
      zero(piece);
    }
    decipher.final();
  } catch (cause) {
    zero(plaintext);
    throw new SecureMemoryError('ERR_SECMEM_UNSEAL_FAILED', 'the tag does not match', {
      operation,
      cause,
    });
  }
  return plaintext;
}
