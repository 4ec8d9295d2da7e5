import {
  constants,
  createECDH,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type ECDH,
  type KeyObject,
  sign,
} from 'node:crypto';
import { SecureMemoryError } from '../contract/errors.js';
import {
  type AgreementAlgorithm,
  type KeyType,
  keyTypeOf,
  SIGNATURES,
  type SignatureAlgorithm,
} from '../contract/keys.js';
import { ownProperties } from '../contract/own-properties.js';
import { zero } from '../contract/zero.js';
import { CURVE_NAMES } from './curve-names.js';
import { derOfPrivateKey, derOfPublicKey } from './der.js';

/**
 * Private keys by `node:crypto`, for memory that protects nothing anyway. The copy in DER that it takes is wiped; its own is
 * freed with the key object, overwritten, when the collector comes by.
 */

/** A signature over the message, of which `node:crypto` makes the digest itself. */
export function signByCopy(
  algorithm: SignatureAlgorithm,
  bytes: Uint8Array,
  message: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const { type, digest } = SIGNATURES[algorithm];
  if (algorithm === 'ES256K-R') throw unable('sign', 'a signature that can be recovered from');
  return withKeyObject(type, bytes, (key) => {
    const pss = {
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    };
    const options = algorithm.startsWith('PS') ? pss : { dsaEncoding: 'ieee-p1363' as const };
    return owned(sign(digest, message, bare({ key, ...options })));
  });
}

/** The public key as the contract has it. */
export function publicKeyByCopy(type: KeyType, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return withKeyObject(type, bytes, (key) => {
    const publicKey = createPublicKey(key);
    if (type === 'RSA')
      return owned(publicKey.export(bare({ format: 'der', type: 'pkcs1' } as const)));
    const spki = publicKey.export(bare({ format: 'der', type: 'spki' } as const));
    const prefix = derOfPublicKey(type, new Uint8Array(0)).length;
    return owned(spki.subarray(prefix));
  });
}

/** The secret, which the caller wipes. */
export function agreeByCopy(
  algorithm: AgreementAlgorithm,
  bytes: Uint8Array,
  peer: Uint8Array,
): Uint8Array {
  const type = keyTypeOf(algorithm);
  try {
    if (type !== 'X25519') return ecdhOf(type, bytes).computeSecret(peer);
    const publicKey = createPublicKey(
      bare({
        key: Buffer.from(derOfPublicKey(type, peer)),
        format: 'der',
        type: 'spki',
      } as const),
    );
    return withKeyObject(type, bytes, (privateKey) =>
      diffieHellman(bare({ privateKey, publicKey })),
    );
  } catch (cause) {
    if (cause instanceof SecureMemoryError) throw cause;
    throw new SecureMemoryError(
      'ERR_SECMEM_PEER_INVALID',
      'the public key of the other side is none of this kind',
      { operation: 'agree', cause },
    );
  }
}

function ecdhOf(type: KeyType, bytes: Uint8Array): ECDH {
  const ecdh = createECDH(CURVE_NAMES[type] as string);
  try {
    ecdh.setPrivateKey(bytes);
  } catch (cause) {
    throw keyInvalid('setPrivateKey', cause);
  }
  return ecdh;
}

function withKeyObject<T>(type: KeyType, bytes: Uint8Array, fn: (key: KeyObject) => T): T {
  // createPrivateKey takes any number for a scalar.
  if (Object.hasOwn(CURVE_NAMES, type)) ecdhOf(type, bytes);
  const { der, format } = derOfPrivateKey(type, bytes);
  let key: KeyObject;
  try {
    key = createPrivateKey(
      bare({ key: Buffer.from(der.buffer), format: 'der', type: format } as const),
    );
    if (type === 'RSA') requireWhole(key, bytes);
  } catch (cause) {
    throw keyInvalid('createPrivateKey', cause);
  } finally {
    zero(der);
  }
  return fn(key);
}

/** Throws unless the bytes are this key of RSA and nothing else, and its size is one that is allowed. */
function requireWhole(key: KeyObject, bytes: Uint8Array): void {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  const again = key.export(bare({ format: 'der', type: 'pkcs1' } as const));
  const same = again.equals(bytes);
  zero(again);
  if (!same || bits < 1024 || bits > 16_384) throw new RangeError('not a key of RSA as it must be');
}

function keyInvalid(operation: string, cause: unknown): SecureMemoryError {
  return new SecureMemoryError(
    'ERR_SECMEM_KEY_INVALID',
    'the bytes are no private key that can do this',
    { operation, cause },
  );
}

function unable(operation: string, what: string): SecureMemoryError {
  return new SecureMemoryError('ERR_SECMEM_NOT_SUPPORTED', `node:crypto does not give ${what}`, {
    operation,
  });
}

/** Options that node:crypto does not look up on a prototype. */
const bare = <T extends object>(options: T): T => ownProperties(options, 'options');

/** The same bytes in memory that no pool shares. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const own = new Uint8Array(new ArrayBuffer(bytes.length));
  own.set(bytes);
  return own;
}
