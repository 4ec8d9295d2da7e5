/**
 * Private keys by name, and what lies in a page for each: a curve or RSA, a hash, a padding. A name is that of JOSE (RFC 7518,
 * 8037, 8812) where there is one, since it fixes all three; a backend gets no option beside it.
 */

/** The family of a private key, which says what its bytes are: see `MemoryBackend.sign`. */
export type KeyType = 'Ed25519' | 'X25519' | 'P-256' | 'P-384' | 'P-521' | 'secp256k1' | 'RSA';

/** The hash that a signature is over. */
export type DigestName = 'sha256' | 'sha384' | 'sha512';

interface SignatureFacts {
  readonly type: KeyType;
  /** What the signer gives `sign` is the digest by this hash; the message itself where there is none. */
  readonly digest: DigestName | undefined;
  /** Of the signature, in bytes; undefined for RSA, where it is the length of the modulus. */
  readonly byteLength: number | undefined;
}

/** Every way to sign, with what it is over and how long it is. */
export const SIGNATURES = {
  /** RFC 8032, over the message. The same message gives the same signature. */
  Ed25519: { type: 'Ed25519', digest: undefined, byteLength: 64 },
  /** ECDSA: r and s, each big-endian with the width of the curve's order. */
  ES256: { type: 'P-256', digest: 'sha256', byteLength: 64 },
  ES384: { type: 'P-384', digest: 'sha384', byteLength: 96 },
  ES512: { type: 'P-521', digest: 'sha512', byteLength: 132 },
  ES256K: { type: 'secp256k1', digest: 'sha256', byteLength: 64 },
  /** The same by RFC 6979, with the lower s, and one more byte: the recovery id, 0 to 3. The digest may be of any hash of 32 bytes. */
  'ES256K-R': { type: 'secp256k1', digest: 'sha256', byteLength: 65 },
  /** RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2). The same message gives the same signature. */
  RS256: { type: 'RSA', digest: 'sha256', byteLength: undefined },
  RS384: { type: 'RSA', digest: 'sha384', byteLength: undefined },
  RS512: { type: 'RSA', digest: 'sha512', byteLength: undefined },
  /** RSASSA-PSS (section 8.1), MGF1 by the same hash, a random salt as long as the digest. */
  PS256: { type: 'RSA', digest: 'sha256', byteLength: undefined },
  PS384: { type: 'RSA', digest: 'sha384', byteLength: undefined },
  PS512: { type: 'RSA', digest: 'sha512', byteLength: undefined },
} as const satisfies Record<string, SignatureFacts>;

/** A way to sign. */
export type SignatureAlgorithm = keyof typeof SIGNATURES;

interface AgreementFacts {
  readonly type: KeyType;
  /** Of the public key of the other side: 32 bytes of X25519, or an uncompressed point (0x04, x, y). */
  readonly peerByteLength: number;
  /** Of the shared secret: 32 bytes of X25519, or the x of the point, as wide as the field. */
  readonly byteLength: number;
}

/** Every way to agree on a secret (RFC 7748; SEC 1, section 3.3.1), with its lengths. */
export const AGREEMENTS = {
  X25519: { type: 'X25519', peerByteLength: 32, byteLength: 32 },
  'ECDH-P-256': { type: 'P-256', peerByteLength: 65, byteLength: 32 },
  'ECDH-P-384': { type: 'P-384', peerByteLength: 97, byteLength: 48 },
  'ECDH-P-521': { type: 'P-521', peerByteLength: 133, byteLength: 66 },
  'ECDH-secp256k1': { type: 'secp256k1', peerByteLength: 65, byteLength: 32 },
} as const satisfies Record<string, AgreementFacts>;

/** A way to agree on a secret. */
export type AgreementAlgorithm = keyof typeof AGREEMENTS;

/** What a backend may do with a private key where it lies. */
export type KeyAlgorithm = SignatureAlgorithm | AgreementAlgorithm;

/** A signature that another thread makes. */
export interface PendingSignature {
  /** The signature, in ordinary memory of its own. Rejects with `ERR_SECMEM_DISPOSED` when it was revoked, and as `sign` throws. */
  readonly signature: Promise<Uint8Array>;

  /**
   * When this returns, the page is not read for this signature any more. One that has not begun rejects; one that has
   * goes on from numbers of its own, which are cleansed. Idempotent, and never throws.
   */
  revoke(): void;
}

/**
 * A private key in a region under a name of this process: whoever is given the name can use the key and never sees it. It is
 * for `node:crypto` and `tls`, in every thread.
 */
export interface KeyReference {
  /** The name in PEM, with a label of its own. Nobody can guess it. */
  readonly pem: string;

  /**
   * When this returns, no use of the key begins in any thread, and those of other threads that had begun are over: each takes one
   * signature at most. Later uses fail with an error of the runtime. Idempotent, and never throws.
   */
  close(): void;
}

/** All of them, in the order in which `capabilities.keys` lists them. */
export const KEY_ALGORITHMS: readonly KeyAlgorithm[] = Object.freeze([
  ...(Object.keys(SIGNATURES) as SignatureAlgorithm[]),
  ...(Object.keys(AGREEMENTS) as AgreementAlgorithm[]),
]);

/** The digest of each hash, in bytes. */
export const DIGEST_BYTE_LENGTHS = { sha256: 32, sha384: 48, sha512: 64 } as const satisfies Record<
  DigestName,
  number
>;

interface KeyFacts {
  /** What the private part may have, in bytes; undefined for RSA. */
  readonly privateByteLengths: readonly number[] | undefined;
  /** Of the public key, in bytes; undefined for RSA. */
  readonly publicByteLength: number | undefined;
}

/** Every family of keys, with its lengths. */
export const KEY_TYPES = {
  Ed25519: { privateByteLengths: [32, 64], publicByteLength: 32 },
  X25519: { privateByteLengths: [32], publicByteLength: 32 },
  'P-256': { privateByteLengths: [32], publicByteLength: 65 },
  'P-384': { privateByteLengths: [48], publicByteLength: 97 },
  'P-521': { privateByteLengths: [66], publicByteLength: 133 },
  secp256k1: { privateByteLengths: [32], publicByteLength: 65 },
  RSA: { privateByteLengths: undefined, publicByteLength: undefined },
} as const satisfies Record<KeyType, KeyFacts>;

/** Whether it is one of the names; own properties only, since a name may come from anywhere. */
export function isSignatureAlgorithm(name: unknown): name is SignatureAlgorithm {
  return typeof name === 'string' && Object.hasOwn(SIGNATURES, name);
}

/** The same for agreements. */
export function isAgreementAlgorithm(name: unknown): name is AgreementAlgorithm {
  return typeof name === 'string' && Object.hasOwn(AGREEMENTS, name);
}

/** The same for families of keys. */
export function isKeyType(name: unknown): name is KeyType {
  return typeof name === 'string' && Object.hasOwn(KEY_TYPES, name);
}

/** The family that an algorithm is for. */
export function keyTypeOf(algorithm: KeyAlgorithm): KeyType {
  return isSignatureAlgorithm(algorithm) ? SIGNATURES[algorithm].type : AGREEMENTS[algorithm].type;
}
