import { createCipheriv, createDecipheriv } from 'node:crypto';
import { SecureMemoryError } from '../contract/errors.js';
import type { RegionRange } from '../contract/region.js';
import { zero } from '../contract/zero.js';
import type { Place } from '../placement/place-host.js';
import type { Region } from '../placement/region.js';
import { plaintextOf } from './plaintext.js';

/** Bytes of the tag that follows each ciphertext. */
export const TAG_BYTE_LENGTH = 16;
export const KEY_BYTE_LENGTH = 32;

const ALGORITHM = 'aes-256-gcm';

/** A key in its page, and what makes one use of it unlike every other. */
export interface KeyUse {
  readonly region: Region;
  readonly byteOffset: number;
  /** 12 bytes. */
  readonly nonce: Uint8Array;
  readonly associatedData: Uint8Array;
}

/**
 * Encrypts a secret into `target`, which is 16 bytes longer. From page to ordinary memory where the backend of both key
 * and secret can; otherwise by node:crypto, which is given the page itself or a copy that is wiped before this returns.
 */
export function sealPlace(use: KeyUse, place: Place, target: Uint8Array): void {
  const { region } = place.host;
  if (inPlace(use, region)) {
    region.backend.seal(keyRange(use), use.nonce, use.associatedData, rangeOf(place), target);
    return;
  }
  const plaintext = rangeOf(place);
  region.withBytes(plaintext.byteOffset, plaintext.byteLength, (bytes) =>
    withKey(use, (key) => {
      const cipher = createCipheriv(ALGORITHM, key, use.nonce);
      cipher.setAAD(use.associatedData);
      target.set(cipher.update(bytes));
      cipher.final();
      target.set(cipher.getAuthTag(), plaintext.byteLength);
    }),
  );
}

/** Decrypts into a place. Throws `ERR_SECMEM_UNSEAL_FAILED`, and the place reads zero, when anything was changed. */
export function unsealPlace(use: KeyUse, source: Uint8Array, place: Place): void {
  const { region } = place.host;
  const range = rangeOf(place);
  if (inPlace(use, region)) {
    region.backend.unseal(keyRange(use), use.nonce, use.associatedData, source, range);
    return;
  }
  let plaintext: Uint8Array;
  try {
    plaintext = withKey(use, (key) => decrypt(key, use, source));
  } catch (error) {
    region.wipe(range.byteOffset, range.byteLength);
    throw error;
  }
  try {
    region.write(range.byteOffset, plaintext);
  } finally {
    zero(plaintext);
  }
}

/** The error for sealed bytes that do not open. */
export function unsealFailed(reason: string): SecureMemoryError {
  return new SecureMemoryError('ERR_SECMEM_UNSEAL_FAILED', reason, { operation: 'open' });
}

function decrypt(key: Uint8Array, use: KeyUse, source: Uint8Array): Uint8Array {
  const tagOffset = source.length - TAG_BYTE_LENGTH;
  const decipher = createDecipheriv(ALGORITHM, key, use.nonce);
  decipher.setAAD(use.associatedData);
  decipher.setAuthTag(source.subarray(tagOffset));
  return plaintextOf(decipher, source.subarray(0, tagOffset), 'open');
}

/** The key as node:crypto takes it. */
function withKey<T>({ region, byteOffset }: KeyUse, fn: (key: Uint8Array) => T): T {
  return region.withBytes(byteOffset, KEY_BYTE_LENGTH, fn);
}

function inPlace(use: KeyUse, region: Region): boolean {
  const { owner, backend } = region;
  return owner === use.region.owner && backend.capabilities.cipher === 'in-place';
}

function keyRange({ region, byteOffset }: KeyUse): RegionRange {
  return { region: region.id, byteOffset, byteLength: KEY_BYTE_LENGTH };
}

function rangeOf({ host, index }: Place): RegionRange {
  return {
    region: host.region.id,
    byteOffset: host.byteOffsetOf(index),
    byteLength: host.byteLengthOf(index),
  };
}
