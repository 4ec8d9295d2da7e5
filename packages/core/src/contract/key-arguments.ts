import {
  AGREEMENTS,
  type AgreementAlgorithm,
  DIGEST_BYTE_LENGTHS,
  KEY_TYPES,
  type KeyType,
  SIGNATURES,
  type SignatureAlgorithm,
} from './keys.js';
import { byteLengthOfOrdinary } from './ordinary-bytes.js';

/** The checks that the contract asks of every backend with private keys, before anything changes. */

/** Throws `RangeError` unless a private key of this family may have `byteLength` bytes. */
export function requireKeyLength(type: KeyType, byteLength: number): void {
  const lengths: readonly number[] | undefined = KEY_TYPES[type].privateByteLengths;
  if (lengths === undefined ? byteLength > 0 : lengths.includes(byteLength)) return;
  const wanted = lengths === undefined ? 'at least 1 byte' : `${lengths.join(' or ')} bytes`;
  throw new RangeError(`a private key of ${type} must have ${wanted}`);
}

/** Throws for what cannot be signed: `TypeError` for the kind, `RangeError` for the length of a digest. */
export function requireSignable(algorithm: SignatureAlgorithm, message: Uint8Array): void {
  const byteLength = byteLengthOfOrdinary(message, 'message');
  const { digest } = SIGNATURES[algorithm];
  if (digest === undefined || byteLength === DIGEST_BYTE_LENGTHS[digest]) return;
  throw new RangeError(
    `message must be a digest of ${DIGEST_BYTE_LENGTHS[digest]} bytes for ${algorithm}`,
  );
}

/**
 * Throws for what holds no signature: `TypeError` for the kind, `RangeError` for the length. One of RSA must be as long as
 * the modulus at least, which is known only when the key is read.
 */
export function requireSignatureTarget(algorithm: SignatureAlgorithm, target: Uint8Array): void {
  requireExactly(target, 'target', SIGNATURES[algorithm].byteLength);
}

/** The same for a public key; one of RSA is shorter than the private key that it comes from. */
export function requirePublicKeyTarget(type: KeyType, target: Uint8Array): void {
  requireExactly(target, 'target', KEY_TYPES[type].publicByteLength);
}

/** Throws `RangeError` where a secret would be written over the key that it comes from, when both lie in one region. */
export function requireApart(
  keyByteOffset: number,
  keyByteLength: number,
  secretByteOffset: number,
  secretByteLength: number,
): void {
  const apart =
    keyByteOffset + keyByteLength <= secretByteOffset ||
    secretByteOffset + secretByteLength <= keyByteOffset;
  if (!apart) throw new RangeError('the ranges of key and secret must not overlap');
}

/** Throws for what is no public key of the other side by its kind or length, and for a secret of another length than asked. */
export function requireAgreement(
  algorithm: AgreementAlgorithm,
  peer: Uint8Array,
  secretByteLength: number,
): void {
  const { peerByteLength, byteLength } = AGREEMENTS[algorithm];
  requireExactly(peer, 'peer', peerByteLength);
  if (secretByteLength === byteLength) return;
  throw new RangeError(`secret must be a range of ${byteLength} bytes for ${algorithm}`);
}

function requireExactly(bytes: Uint8Array, name: string, wanted: number | undefined): void {
  const byteLength = byteLengthOfOrdinary(bytes, name);
  if (wanted === undefined || byteLength === wanted) return;
  throw new RangeError(`${name} must be ${wanted} bytes long`);
}
