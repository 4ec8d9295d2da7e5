import { createHmac } from 'node:crypto';
import { isBytes } from '../common/bytes.js';
import { notA } from '../common/handle-kind.js';
import { ownOptions } from '../contract/own-properties.js';
import { integer } from '../options.js';
import { requireSecret, type Secret, withBytes } from '../secret/secret.js';
import { DERIVED_NAMES, type DerivedOptions, derive, wipe } from './derived.js';
import { type Data, partsOf } from './hmac.js';

export interface HkdfOptions extends DerivedOptions {
  /** Of the derived secret, in bytes: 1 to 255 times the length of the digest. */
  readonly byteLength: number;
  /** Not secret; random where it can be. Default: none. */
  readonly salt?: Uint8Array;
  /** What the derived secret is for. Default: none. */
  readonly info?: Data;
}

const BLOCKS_MAX = 255;
const NO_SALT = new Uint8Array(new ArrayBuffer(0));

/**
 * Derives a secret from a secret by HKDF (RFC 5869). Built from HMAC, since `crypto.hkdf` makes a key object of its input
 * and gives the result out in memory of the collector: here the input goes from its page to OpenSSL, and each block of the
 * result from OpenSSL to a page, through a buffer that is wiped at once.
 *
 * Rejects as `allocate` does while it waits for a place, with `RangeError` for a length that HKDF does not give, with what
 * `node:crypto` throws for an unknown algorithm, and with `ERR_SECMEM_DISPOSED`.
 */
export async function hkdf(algorithm: string, key: Secret, options: HkdfOptions): Promise<Secret> {
  requireSecret(key, 'key');
  const own = ownOptions(options, [...DERIVED_NAMES, 'byteLength', 'salt', 'info'], 'options');
  if (own.salt !== undefined && !isBytes(own.salt)) throw notA('a Uint8Array', 'salt', own.salt);
  // Copies: what the caller does to its arrays while this waits would make another key of it, and nobody would know.
  const salt = new Uint8Array(own.salt ?? NO_SALT);
  const info = partsOf(own.info ?? []).map((part) =>
    typeof part === 'string' ? part : new Uint8Array(part),
  );
  const digestByteLength = createHmac(algorithm, NO_SALT).digest().length;
  const byteLength = integer('byteLength', own.byteLength, 1, BLOCKS_MAX * digestByteLength);
  return derive(key, byteLength, own, (target) => {
    let extracted: Buffer | undefined;
    try {
      extracted = withBytes(key, 'read', (bytes) =>
        createHmac(algorithm, salt).update(bytes).digest(),
      );
      expand(algorithm, extracted, info, target);
    } finally {
      wipe(extracted);
    }
  });
}

/** RFC 5869, section 2.3: block i is the HMAC of the block before it, the info, and i. */
function expand(
  algorithm: string,
  extracted: Uint8Array,
  info: readonly (string | Uint8Array)[],
  target: Secret,
): void {
  let block: Buffer | undefined;
  try {
    for (let filled = 0, i = 1; filled < target.byteLength; i++) {
      const mac = createHmac(algorithm, extracted);
      if (block !== undefined) mac.update(block);
      wipe(block);
      for (const part of info) mac.update(part);
      block = mac.update(Uint8Array.of(i)).digest();
      const part = block.subarray(0, target.byteLength - filled);
      withBytes(target, 'write', (bytes) => bytes.set(part, filled));
      filled += part.length;
    }
  } finally {
    wipe(block);
  }
}
