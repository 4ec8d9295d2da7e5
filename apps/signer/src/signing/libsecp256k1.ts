import type { Secret } from '@securemem/core';
import libsecp256k1 from 'secp256k1/bindings.js';

/** Bytes of a private key, of a digest, and of a signature without its recovery bit. */
export const KEY_BYTE_LENGTH = 32;
export const DIGEST_BYTE_LENGTH = 32;
export const SIGNATURE_BYTE_LENGTH = 64;

/** What an Ethereum signature consists of. Public from here on. */
export interface Signature {
  readonly r: bigint;
  readonly s: bigint;
  readonly yParity: 0 | 1;
}

/**
 * Signs a digest of 32 bytes with the private key in `key`. libsecp256k1 reads the key through a view, so that the key is
 * never copied into ordinary memory, and writes the signature into `scratch` (64 bytes or more, wiped by its owner).
 *
 * Throws `ERR_SECMEM_DISPOSED` for a key that is gone, and an Error for one that is out of range.
 */
export function sign(key: Secret, scratch: Secret, digest: Uint8Array): Signature {
  return key.read((keyBytes) =>
    scratch.write((scratchBytes) => {
      const signature = scratchBytes.subarray(0, SIGNATURE_BYTE_LENGTH);
      const { recid } = libsecp256k1.ecdsaSign(digest, keyBytes, {}, signature);
      return {
        r: unsigned(signature.subarray(0, 32)),
        s: unsigned(signature.subarray(32)),
        yParity: (recid & 1) as 0 | 1,
      };
    }),
  );
}

/** The uncompressed public key, 65 bytes. Throws an Error for a private key that is out of range. */
export function publicKeyOf(key: Secret): Uint8Array {
  return key.read((bytes) => libsecp256k1.publicKeyCreate(bytes, false));
}

/** Whether the 32 bytes are a private key: neither zero nor at least the order of the curve. */
export function isPrivateKey(key: Secret): boolean {
  return key.read(
    (bytes) => bytes.length === KEY_BYTE_LENGTH && libsecp256k1.privateKeyVerify(bytes),
  );
}

/** Big-endian. Only for what is public: a bigint cannot be wiped. */
function unsigned(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let value = 0n;
  for (let at = 0; at < bytes.length; at += 8) value = (value << 64n) | view.getBigUint64(at);
  return value;
}
