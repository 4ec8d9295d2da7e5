import {
  isSecureMemoryError,
  type MemoryBackend,
  publicKey,
  type Secret,
  sign,
} from '@securemem/core';
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

/** What the service does with private keys, each in its page. */
export interface Secp256k1 {
  /**
   * Signs a digest of 32 bytes with the private key in `key`. `scratch` has 64 bytes or more, and is wiped by its owner.
   *
   * Throws `ERR_SECMEM_DISPOSED` for a key that is gone, and an Error for one that is out of range.
   */
  sign(key: Secret, scratch: Secret, digest: Uint8Array): Signature;
  /** The uncompressed public key, 65 bytes. Throws an Error for a private key that is out of range. */
  publicKeyOf(key: Secret): Uint8Array;
  /** Whether the 32 bytes are a private key: neither zero nor at least the order of the curve. */
  isPrivateKey(key: Secret): boolean;
}

/** What the backend does itself, or else an addon of its own that reads the key through a view. */
export function secp256k1For(backend: MemoryBackend): Secp256k1 {
  return backend.capabilities.keys.includes('ES256K-R') ? byBackend : byAddon;
}

/** The key is read where it lies, by the library of the backend, and nothing of it leaves that. */
const byBackend: Secp256k1 = {
  sign: (key, _scratch, digest) => {
    const signature = sign('ES256K-R', key, digest, { prehashed: true });
    return signatureOf(signature, signature[SIGNATURE_BYTE_LENGTH] as number);
  },
  publicKeyOf: (key) => {
    const { x = '', y = '' } = publicKey('secp256k1', key).export({ format: 'jwk' });
    const coordinates = [x, y].map((coordinate) => Buffer.from(coordinate, 'base64url'));
    return Buffer.concat([Buffer.from([4]), ...coordinates]);
  },
  isPrivateKey: (key) => {
    if (key.byteLength !== KEY_BYTE_LENGTH) return false;
    try {
      publicKey('secp256k1', key);
      return true;
    } catch (error) {
      if (isSecureMemoryError(error, 'ERR_SECMEM_KEY_INVALID')) return false;
      throw error;
    }
  },
};

/**
 * npm's addon of libsecp256k1 reads the key through a view, so that the key is never copied into ordinary memory, and writes the
 * signature into `scratch`. What it leaves on the stack it does not wipe: see `docs/COPIES.md`.
 */
const byAddon: Secp256k1 = {
  sign: (key, scratch, digest) =>
    key.read((keyBytes) =>
      scratch.write((scratchBytes) => {
        const signature = scratchBytes.subarray(0, SIGNATURE_BYTE_LENGTH);
        const { recid } = libsecp256k1.ecdsaSign(digest, keyBytes, {}, signature);
        return signatureOf(signature, recid);
      }),
    ),
  publicKeyOf: (key) => key.read((bytes) => libsecp256k1.publicKeyCreate(bytes, false)),
  isPrivateKey: (key) =>
    key.read((bytes) => bytes.length === KEY_BYTE_LENGTH && libsecp256k1.privateKeyVerify(bytes)),
};

function signatureOf(bytes: Uint8Array, recoveryId: number): Signature {
  return {
    r: unsigned(bytes.subarray(0, 32)),
    s: unsigned(bytes.subarray(32, SIGNATURE_BYTE_LENGTH)),
    yParity: (recoveryId & 1) as 0 | 1,
  };
}

/** Big-endian. Only for what is public: a bigint cannot be wiped. */
function unsigned(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let value = 0n;
  for (let at = 0; at < bytes.length; at += 8) value = (value << 64n) | view.getBigUint64(at);
  return value;
}
