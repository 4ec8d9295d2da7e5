import { createDecipheriv, pbkdf2, randomFillSync, scrypt } from 'node:crypto';
import { ownProperties } from '../../contract/own-properties.js';
import { zero } from '../../contract/zero.js';
import { type Secret, withBytes } from '../../secret/secret.js';
import { DerReader, TAG } from './der.js';
import { lengthOf, type Span } from './found-key.js';
import { keyRefused } from './key-refused.js';
import { BLOCK_BYTE_LENGTH, type EncryptedKey, scryptByteLength } from './pbes2.js';

/**
 * The key of the cipher, in ordinary memory; whoever gets it wipes it. It is made on a thread of Node's pool, which works on a
 * copy of the passphrase of its own and wipes it.
 */
export function deriveCipherKey(
  file: Secret,
  { derivation, keyByteLength }: EncryptedKey,
  passphrase: Secret,
): () => Promise<Uint8Array> {
  const salt = withBytes(file, 'read', (bytes) => copyOf(bytes, derivation.salt));
  return () =>
    new Promise((resolve, reject) => {
      const done = (error: Error | null, key: Uint8Array): void => {
        if (error) reject(error);
        else resolve(key);
      };
      withBytes(passphrase, 'read', (words) => {
        if (derivation.name === 'pbkdf2') {
          const { iterations, digest } = derivation;
          pbkdf2(words, salt, iterations, keyByteLength, digest, done);
          return;
        }
        const { cost, blockSize, parallelization } = derivation;
        const maxmem = scryptByteLength(derivation);
        const bounds = { cost, blockSize, parallelization, maxmem };
        scrypt(words, salt, keyByteLength, ownProperties(bounds, 'options'), done);
      });
    });
}

/**
 * Decrypts where the ciphertext lies, and gives what is inside. Node's `update()` frees a block that it does not wipe, so what it
 * decrypts is never the plaintext: each block has an initial vector that is masked with random bytes, and with them comes out.
 */
export function decryptInPlace(
  bytes: Uint8Array,
  { cipher, iv, ciphertext }: EncryptedKey,
  key: Uint8Array,
): Span {
  const masks = randomFillSync(new Uint8Array(new ArrayBuffer(lengthOf(ciphertext))));
  const chained = copyOf(bytes, iv);
  const next = new Uint8Array(new ArrayBuffer(BLOCK_BYTE_LENGTH));
  try {
    for (let offset = 0; offset < masks.length; offset += BLOCK_BYTE_LENGTH) {
      const at = ciphertext.start + offset;
      const block = bytes.subarray(at, at + BLOCK_BYTE_LENGTH);
      const mask = masks.subarray(offset, offset + BLOCK_BYTE_LENGTH);
      next.set(block);
      addInto(chained, mask);
      const decipher = createDecipheriv(cipher, key, chained).setAutoPadding(false);
      const masked = decipher.update(block);
      decipher.final();
      block.set(masked);
      addInto(block, mask);
      zero(masked);
      chained.set(next);
    }
  } finally {
    zero(masks);
  }
  return withoutPadding(bytes, ciphertext);
}

/** Exclusive or. */
function addInto(target: Uint8Array, source: Uint8Array): void {
  for (let i = 0; i < target.length; i++) target[i] = (target[i] as number) ^ (source[i] as number);
}

/** What is inside is one sequence of DER and its padding (RFC 8018, section 6.1.1), or the key was another one. */
function withoutPadding(bytes: Uint8Array, { start, end }: Span): Span {
  const padding = bytes[end - 1] as number;
  let valid = padding >= 1 && padding <= BLOCK_BYTE_LENGTH;
  for (let at = Math.max(start, end - padding); at < end; at++) {
    if (bytes[at] !== padding) valid = false;
  }
  const inside = { start, end: end - padding };
  if (valid && isSequence(bytes, inside)) return inside;
  throw keyRefused('passphrase', 'the passphrase is wrong, or the file was changed');
}

function isSequence(bytes: Uint8Array, span: Span): boolean {
  try {
    const reader = new DerReader(bytes, span);
    reader.take(TAG.sequence, 'the key');
    reader.end('the key');
    return true;
  } catch {
    return false;
  }
}

function copyOf(bytes: Uint8Array, { start, end }: Span): Uint8Array {
  const copy = new Uint8Array(new ArrayBuffer(end - start));
  copy.set(bytes.subarray(start, end));
  return copy;
}
