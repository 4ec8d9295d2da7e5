import { requireSignal, throwIfAborted } from '../common/abort-signal.js';
import { isBytes } from '../common/bytes.js';
import { notA } from '../common/handle-kind.js';
import {
  DIGEST_BYTE_LENGTHS,
  isSignatureAlgorithm,
  SIGNATURES,
  type SignatureAlgorithm,
} from '../contract/keys.js';
import { ownOptions } from '../contract/own-properties.js';
import { type Signable, signWith } from '../keys/private-key.js';
import { signLater, signsLater } from '../keys/sign-later.js';
import { oneOf } from '../options.js';
import { requireSecret, type Secret } from '../secret/secret.js';
import { type Data, partsOf } from './hmac.js';
import { inTurn } from './in-turn.js';
import { derOfSignature } from './signature-der.js';

/** What `sign()` takes. */
export interface SignOptions {
  /**
   * How a signature of ECDSA is written: r and s side by side, as JOSE and WebCrypto have it, or as the sequence in DER that
   * X.509 and TLS have. Default: `'ieee-p1363'`.
   */
  readonly dsaEncoding?: 'ieee-p1363' | 'der';
  /**
   * `data` is the digest already, 32, 48 or 64 bytes: of another hash (Keccak for Ethereum), or of a message that somebody
   * else has. Not for Ed25519, which hashes twice. Default: false.
   */
  readonly prehashed?: boolean;
}

/** What `signAsync()` takes. */
export interface SignAsyncOptions extends SignOptions {
  /** Gives up: the call rejects with `signal.reason`, and what has not begun is not signed. */
  readonly signal?: AbortSignal;
}

const NAMES = ['dsaEncoding', 'prehashed'] as const;

/** A signature that was asked for, all of it checked. */
interface Asked {
  readonly signable: Signable;
  readonly der: boolean;
}

/**
 * Signs with a private key where it lies. The algorithm is named as in JOSE, and fixes curve, hash and padding:
 *
 * - `Ed25519`: the secret is the seed, 32 bytes, or what `fromPem` and its kin made of a key file.
 * - `ES256`, `ES384`, `ES512`, `ES256K`: the scalar, big-endian, 32, 48, 66, 32 bytes. `ES256K-R` has the recovery id behind.
 * - `RS256` to `RS512`, `PS256` to `PS512`: `RSAPrivateKey` of PKCS#1 in DER.
 *
 * `Ed25519`, `RS…` and `ES256K-R` give the same signature for the same message; the others contain random numbers, except
 * where the page on keys says otherwise.
 *
 * Throws `ERR_SECMEM_NOT_SUPPORTED` where the backend protects its pages and cannot sign in them, `ERR_SECMEM_KEY_INVALID` for
 * bytes that are no such key, `RangeError` for a key or digest of another length, `ERR_SECMEM_DISPOSED`, and
 * `ERR_SECMEM_IN_USE` while the key is written to.
 */
export function sign(
  algorithm: SignatureAlgorithm,
  key: Secret,
  data: Data,
  options?: SignOptions,
): Buffer {
  requireAlgorithm(algorithm);
  requireSecret(key, 'key');
  const own = ownOptions(options, NAMES, 'options');
  return signed(algorithm, key, askedOf(algorithm, data, own));
}

/**
 * The same without keeping the event loop from its work. Where the backend signs on other threads (`capabilities.keysLater`: RSA
 * on napi) it does; until then the key is lent, so that its end waits, and a purge rejects what has not begun. Elsewhere it
 * signs on the calling thread, one signature for each turn of the event loop, with the key as it is by then. The data is taken
 * as it is now. A key that ended before its turn rejects with `ERR_SECMEM_DISPOSED`.
 */
export async function signAsync(
  algorithm: SignatureAlgorithm,
  key: Secret,
  data: Data,
  options?: SignAsyncOptions,
): Promise<Buffer> {
  requireAlgorithm(algorithm);
  requireSecret(key, 'key');
  const own = ownOptions(options, [...NAMES, 'signal'], 'options');
  requireSignal(own.signal);
  const asked = kept(askedOf(algorithm, data, own));
  throwIfAborted(own.signal);
  if (!signsLater(algorithm, key)) return inTurn(() => signed(algorithm, key, asked), own.signal);
  return written(await signLater(algorithm, key, asked.signable, own.signal), asked);
}

function signed(algorithm: SignatureAlgorithm, key: Secret, asked: Asked): Buffer {
  return written(signWith(algorithm, key, asked.signable), asked);
}

function written(signature: Uint8Array, { der }: Asked): Buffer {
  const { buffer, byteOffset, byteLength } = der ? derOfSignature(signature) : signature;
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

function askedOf(algorithm: SignatureAlgorithm, data: Data, own: SignOptions): Asked {
  const encoding = oneOf('dsaEncoding', own.dsaEncoding, ['ieee-p1363', 'der']);
  if (encoding === 'der' && (!algorithm.startsWith('ES') || algorithm === 'ES256K-R')) {
    throw new TypeError(`dsaEncoding 'der' is not for ${algorithm}`);
  }
  const { prehashed = false } = own;
  if (typeof prehashed !== 'boolean') throw new TypeError('prehashed must be true or false');
  const signable = prehashed ? { digest: digestOf(algorithm, data) } : { parts: partsOf(data) };
  return { signable, der: encoding === 'der' };
}

function digestOf(algorithm: SignatureAlgorithm, data: Data): Uint8Array {
  const { digest } = SIGNATURES[algorithm];
  if (digest === undefined) throw new TypeError(`prehashed is not for ${algorithm}`);
  if (!isBytes(data)) throw notA('a Uint8Array when it is prehashed', 'data', data);
  const byteLength = DIGEST_BYTE_LENGTHS[digest];
  if (data.length === byteLength) return copyOf(data);
  throw new RangeError(`data must be a digest of ${byteLength} bytes for ${algorithm}`);
}

/** What the caller does to its arrays later changes nothing. */
function kept({ signable, der }: Asked): Asked {
  if (!('parts' in signable)) return { signable, der };
  const parts = signable.parts.map((part) => (typeof part === 'string' ? part : copyOf(part)));
  return { signable: { parts }, der };
}

function copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(new ArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

function requireAlgorithm(algorithm: unknown): void {
  if (isSignatureAlgorithm(algorithm)) return;
  throw new TypeError(`algorithm must be one of ${Object.keys(SIGNATURES).join(', ')}`);
}
