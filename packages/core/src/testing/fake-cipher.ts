import { createCipheriv, createDecipheriv } from 'node:crypto';

/** Bytes of an AES-256-GCM tag, which follows the ciphertext. */
export const TAG_BYTE_LENGTH = 16;

/** AES-256-GCM of `plaintext` into `target`: ciphertext, then the tag. */
export function sealBytes(
  key: Uint8Array,
  nonce: Uint8Array,
  associatedData: Uint8Array,
  plaintext: Uint8Array,
  target: Uint8Array,
): void {
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(associatedData);
  target.set(cipher.update(plaintext), 0);
  cipher.final();
  target.set(cipher.getAuthTag(), plaintext.length);
}

/** The way back, into `plaintext`; false, and zero bytes there, when the tag does not match. */
export function unsealBytes(
  key: Uint8Array,
  nonce: Uint8Array,
  associatedData: Uint8Array,
  source: Uint8Array,
  plaintext: Uint8Array,
): boolean {
  const tagOffset = source.length - TAG_BYTE_LENGTH;
  const decipher = createDecipheriv('aes-256-gcm', key, nonce);
  decipher.setAAD(associatedData);
  decipher.setAuthTag(source.subarray(tagOffset));
  const opened = decipher.update(source.subarray(0, tagOffset));
  try {
    decipher.final();
    plaintext.set(opened);
    return true;
  } catch {
    plaintext.fill(0);
    return false;
  } finally {
    opened.fill(0);
  }
}
