import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import { isSecureMemoryError, type Secret, SecureMemoryError } from '@securemem/core';
import { zero } from '@securemem/core/contract';
import { KEY_BYTE_LENGTH } from './secp256k1.js';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTE_LENGTH = 12;
const TAG_BYTE_LENGTH = 16;

const BODY_AT = NONCE_BYTE_LENGTH + TAG_BYTE_LENGTH;
const PADDING_AT = BODY_AT + KEY_BYTE_LENGTH;

/** Bytes of a private key's envelope: the nonce, the tag, the encrypted key, and encrypted padding up to a fixed size. */
export const ENVELOPE_BYTE_LENGTH = 1_024;
/** Bytes of a wrapped data key: the same without padding. */
export const WRAPPED_KEY_BYTE_LENGTH = PADDING_AT;

/**
 * Encrypts a key of 32 bytes for storage with AES-256-GCM (NIST SP 800-38D) under a fresh random nonce. `context` is bound
 * to it: an envelope that is moved to another row does not open. The result is public.
 *
 * OpenSSL keeps the expanded wrapping key in its own context, which Node frees and OpenSSL cleanses in `final()`.
 */
export function encryptKey(
  wrappingKey: Secret,
  key: Secret,
  context: Uint8Array,
  byteLength: number = ENVELOPE_BYTE_LENGTH,
): Uint8Array {
  const envelope = new Uint8Array(new ArrayBuffer(byteLength));
  const nonce = randomFillSync(envelope.subarray(0, NONCE_BYTE_LENGTH));
  const cipher = wrappingKey.read((bytes) => createCipheriv(ALGORITHM, bytes, nonce));
  cipher.setAAD(context);
  envelope.set(
    key.read((bytes) => cipher.update(bytes)),
    BODY_AT,
  );
  const padding = new Uint8Array(new ArrayBuffer(byteLength - PADDING_AT));
  envelope.set(cipher.update(padding), PADDING_AT);
  cipher.final();
  envelope.set(cipher.getAuthTag(), NONCE_BYTE_LENGTH);
  return envelope;
}

/**
 * Decrypts the key of `envelope` into `target`, 32 bytes. The plaintext passes through one Buffer that
 * `node:crypto` allocates for it alone, off V8's moving heap, and that is zeroed before this returns.
 *
 * Throws `ERR_SECMEM_UNSEAL_FAILED` when the wrapping key or the context is another one, or a byte was changed; `target`
 * then reads zero.
 */
export function decryptKey(
  wrappingKey: Secret,
  envelope: Secret | Uint8Array,
  context: Uint8Array,
  target: Secret,
): void {
  try {
    reading(envelope, (bytes) => {
      const nonce = bytes.subarray(0, NONCE_BYTE_LENGTH);
      const decipher = wrappingKey.read((key) => createDecipheriv(ALGORITHM, key, nonce));
      decipher.setAAD(context);
      decipher.setAuthTag(bytes.subarray(NONCE_BYTE_LENGTH, BODY_AT));
      const plaintext = decipher.update(bytes.subarray(BODY_AT, PADDING_AT));
      try {
        decipher.update(bytes.subarray(PADDING_AT));
        decipher.final();
        target.copyFrom(plaintext);
      } finally {
        zero(plaintext);
      }
    });
  } catch (error) {
    if (isSecureMemoryError(error)) throw error;
    target.write((bytes) => zero(bytes));
    throw new SecureMemoryError(
      'ERR_SECMEM_UNSEAL_FAILED',
      'the envelope does not open: another master key, another account, or damaged bytes',
      { operation: 'decryptKey', cause: error },
    );
  }
}

/** Ciphertext may lie anywhere; where it lies in a secret, it is read there. */
function reading(envelope: Secret | Uint8Array, fn: (bytes: Uint8Array) => void): void {
  if (envelope instanceof Uint8Array) fn(envelope);
  else envelope.read(fn);
}
