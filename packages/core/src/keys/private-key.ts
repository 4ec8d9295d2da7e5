import { createHash } from 'node:crypto';
import type { MemoryBackend } from '../contract/backend.js';
import { SecureMemoryError } from '../contract/errors.js';
import { requireKeyLength } from '../contract/key-arguments.js';
import {
  AGREEMENTS,
  type AgreementAlgorithm,
  KEY_ALGORITHMS,
  KEY_TYPES,
  type KeyAlgorithm,
  type KeyType,
  keyTypeOf,
  SIGNATURES,
  type SignatureAlgorithm,
} from '../contract/keys.js';
import type { RegionRange } from '../contract/region.js';
import { zero } from '../contract/zero.js';
import { equalRanges } from '../secret/constant-time.js';
import { isPaired, placeFor, type Secret, setPaired, withBytes } from '../secret/secret.js';
import { agreeByCopy, publicKeyByCopy, signByCopy } from './by-copy.js';

/**
 * Private keys as secrets: where the backend can, the key is used in its page; in memory that protects nothing, by a copy that
 * is wiped. A backend that protects its pages and cannot use a key there refuses, since a copy outside would undo what it is for.
 */

/** Of an RSA signature at most, in bytes: 16,384 bits. */
const RSA_BYTE_LENGTH_MAX = 2048;
const SEED_BYTE_LENGTH = 32;

/** What is signed: the message in parts, or its digest. */
export type Signable =
  | { readonly parts: readonly (string | Uint8Array)[] }
  | { readonly digest: Uint8Array };

/** The signature as the contract has it: r and s of fixed width for ECDSA. */
export function signWith(
  algorithm: SignatureAlgorithm,
  key: Secret,
  signable: Signable,
): Uint8Array<ArrayBuffer> {
  const { type, byteLength } = SIGNATURES[algorithm];
  const host = placeFor(key, 'read').host;
  requireKeyLength(type, key.byteLength);
  const { backend } = host.region;
  if (!inPlace(backend, [algorithm], 'sign')) {
    const message = 'parts' in signable ? joined(signable.parts) : undefined;
    if (message === undefined) throw notSupported(backend, 'sign', `${algorithm} of a digest`);
    return withBytes(key, 'read', (bytes) =>
      signByCopy(algorithm, privatePart(type, bytes), message),
    );
  }
  const message = messageOf(algorithm, signable);
  const range = type === 'Ed25519' ? ed25519Range(key) : rangeOf(key, 'read');
  const target = scratch(byteLength ?? Math.min(key.byteLength, RSA_BYTE_LENGTH_MAX));
  const written = backend.sign(algorithm, range, message, target);
  return written === target.length ? target : target.slice(0, written);
}

/** The public key as the contract has it: 32 bytes, an uncompressed point, or `RSAPublicKey` in DER. */
export function publicKeyBytes(type: KeyType, key: Secret): Uint8Array<ArrayBuffer> {
  const { backend } = placeFor(key, 'read').host.region;
  requireKeyLength(type, key.byteLength);
  const algorithms = KEY_ALGORITHMS.filter((name) => keyTypeOf(name) === type);
  if (!inPlace(backend, algorithms, 'publicKey')) {
    return withBytes(key, 'read', (bytes) => publicKeyByCopy(type, privatePart(type, bytes)));
  }
  const target = scratch(KEY_TYPES[type].publicByteLength ?? key.byteLength);
  const written = backend.publicKey(type, rangeOf(key, 'read'), target);
  return written === target.length ? target : target.slice(0, written);
}

/** Agrees on a secret, into a secret as long as the contract says. */
export function agreeInto(
  algorithm: AgreementAlgorithm,
  key: Secret,
  peer: Uint8Array,
  target: Secret,
): void {
  const { type, byteLength } = AGREEMENTS[algorithm];
  const { region } = placeFor(key, 'read').host;
  requireKeyLength(type, key.byteLength);
  const { backend } = region;
  const able = inPlace(backend, [algorithm], 'agree');
  const to = placeFor(target, 'write').host.region;
  if (able && to.owner === region.owner) {
    backend.agree(algorithm, rangeOf(key, 'read'), peer, rangeOf(target, 'write'));
    return;
  }
  if (able) throw notSupported(backend, 'agree', 'a secret on another backend than the key');
  const secret = withBytes(key, 'read', (bytes) => agreeByCopy(algorithm, bytes, peer));
  try {
    if (secret.length !== byteLength) throw new RangeError('the secret has another length');
    target.copyFrom(secret);
  } finally {
    zero(secret);
  }
}

/**
 * Makes a pair of a secret of 64 bytes that begins with a seed of Ed25519: derives the public key behind it and remembers
 * that it did, which halves the work of each signature. Where the backend cannot derive in place the public key is
 * written all the same, and derived anew for each signature.
 */
export function pairEd25519(key: Secret): Uint8Array<ArrayBuffer> {
  if (key.byteLength !== 2 * SEED_BYTE_LENGTH) {
    throw new RangeError('a pair of Ed25519 must have 64 bytes');
  }
  const publicKey = publicKeyBytes('Ed25519', key);
  const { host, index } = placeFor(key, 'write');
  host.region.write(host.byteOffsetOf(index) + SEED_BYTE_LENGTH, publicKey);
  setPaired(key);
  return publicKey;
}

/** The pair where this package made it; otherwise the seed alone, once what lies behind it was found to belong to it. */
export function ed25519Range(key: Secret): RegionRange {
  const range = rangeOf(key, 'read');
  if (key.byteLength === SEED_BYTE_LENGTH || isPaired(key)) return range;
  const seed = { ...range, byteLength: SEED_BYTE_LENGTH };
  const { region } = placeFor(key, 'read').host;
  const [derived, behind] = [scratch(SEED_BYTE_LENGTH), scratch(SEED_BYTE_LENGTH)];
  region.backend.publicKey('Ed25519', seed, derived);
  region.read(range.byteOffset + SEED_BYTE_LENGTH, behind);
  if (equalRanges(derived, 0, behind, 0, SEED_BYTE_LENGTH)) return seed;
  throw new SecureMemoryError(
    'ERR_SECMEM_KEY_INVALID',
    'the last 32 of 64 bytes are not the public key of the first 32',
    { operation: 'sign' },
  );
}

/** Whether the backend does one of the algorithms in place; a throw where it should and cannot. */
function inPlace(
  backend: MemoryBackend,
  algorithms: readonly KeyAlgorithm[],
  operation: string,
): boolean {
  const { keys = [], locking } = backend.capabilities;
  if (algorithms.some((name) => keys.includes(name))) return true;
  if (locking === 'none') return false;
  throw notSupported(backend, operation, algorithms.join(', '));
}

function notSupported(backend: MemoryBackend, operation: string, what: string): SecureMemoryError {
  return new SecureMemoryError(
    'ERR_SECMEM_NOT_SUPPORTED',
    `the backend ${backend.name} does not do it in its pages on this machine: ${what}`,
    {
      operation,
      backend: backend.name,
      details: { remedy: 'toKeyObject() and exportCopy() give a copy that nothing protects.' },
    },
  );
}

/** The bytes of a private key without what lies behind a seed. */
function privatePart(type: KeyType, bytes: Uint8Array): Uint8Array {
  return type === 'Ed25519' ? bytes.subarray(0, SEED_BYTE_LENGTH) : bytes;
}

/** Where a secret lies, once an access of this kind might begin. */
export function rangeOf(secret: Secret, mode: 'read' | 'write'): RegionRange {
  const { host, index } = placeFor(secret, mode);
  const { byteLength } = secret;
  return { region: host.region.id, byteOffset: host.byteOffsetOf(index), byteLength };
}

/** What a backend is given of it. */
export function messageOf(algorithm: SignatureAlgorithm, signable: Signable): Uint8Array {
  if (!('parts' in signable)) return signable.digest;
  return digestOf(signable.parts, SIGNATURES[algorithm].digest);
}

function digestOf(parts: readonly (string | Uint8Array)[], digest: string | undefined): Uint8Array {
  if (digest === undefined) return joined(parts);
  const hash = createHash(digest);
  for (const part of parts) hash.update(part);
  return ordinary(hash.digest());
}

/** All parts as one array that a backend may be given. */
function joined(parts: readonly (string | Uint8Array)[]): Uint8Array {
  return ordinary(
    Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part))),
  );
}

/** The same bytes over a buffer of their own. */
function ordinary(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const own = scratch(bytes.length);
  own.set(bytes);
  return own;
}

const scratch = (byteLength: number) => new Uint8Array(new ArrayBuffer(byteLength));
