import type { Address } from './address.js';

/**
 * AES-256-GCM between accessible pages and ordinary memory. Lengths are checked already: the key has 32 bytes, the nonce 12,
 * and the sealed array 16 more than the text. No copy of the key and no key schedule is left anywhere when a call returns
 * or throws.
 */
export interface Cipher {
  /** `target` receives the ciphertext and then the tag. */
  seal(
    key: Address,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    text: Address,
    textByteLength: number,
    target: Uint8Array,
  ): void;

  /** False where the tag does not match or anything else failed; the text then reads zero. */
  unseal(
    key: Address,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    source: Uint8Array,
    text: Address,
    textByteLength: number,
  ): boolean;
}
