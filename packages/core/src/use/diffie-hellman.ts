import { ECDH, type JsonWebKey, type KeyObject } from 'node:crypto';
import { types } from 'node:util';
import { isBytes } from '../common/bytes.js';
import { notA } from '../common/handle-kind.js';
import { SecureMemoryError } from '../contract/errors.js';
import {
  AGREEMENTS,
  type AgreementAlgorithm,
  isAgreementAlgorithm,
  type KeyType,
} from '../contract/keys.js';
import { ownOptions, ownProperties } from '../contract/own-properties.js';
import { CURVE_NAMES } from '../keys/curve-names.js';
import { agreeInto } from '../keys/private-key.js';
import { requireSecret, type Secret } from '../secret/secret.js';
import { DERIVED_NAMES, type DerivedOptions, derive } from './derived.js';

/**
 * Agrees on a secret with whoever has the private key of `peer`, from page to page. `peer` is a public key as a `KeyObject`, or
 * as bytes: 32 of X25519, a point of a curve, compressed or not. The secret is the bare result, 32, 48 or 66 bytes: derive
 * keys from it by `hkdf`, with both public keys in its `info`, and dispose it.
 *
 * Rejects with `ERR_SECMEM_PEER_INVALID` when the peer is no such key, or would give a secret of zeros (nothing is left allocated then),
 * with `ERR_SECMEM_KEY_INVALID`, `ERR_SECMEM_NOT_SUPPORTED`, `RangeError` as `sign` does, and as `allocate` does while it waits for a place. Where
 * keys are used in place, the secret must lie on the backend of the key.
 */
export async function diffieHellman(
  algorithm: AgreementAlgorithm,
  key: Secret,
  peer: Uint8Array | KeyObject,
  options?: DerivedOptions,
): Promise<Secret> {
  if (!isAgreementAlgorithm(algorithm)) {
    throw new TypeError(`algorithm must be one of ${Object.keys(AGREEMENTS).join(', ')}`);
  }
  requireSecret(key, 'key');
  const own = ownOptions(options, DERIVED_NAMES, 'options');
  const { type, byteLength } = AGREEMENTS[algorithm];
  const point = uncompressed(algorithm, peerBytes(type, peer));
  return derive(key, byteLength, own, (target) => agreeInto(algorithm, key, point, target));
}

function peerBytes(type: KeyType, peer: Uint8Array | KeyObject): Uint8Array {
  if (isBytes(peer)) return peer;
  if (!types.isKeyObject(peer) || peer.type !== 'public') {
    throw notA('a Uint8Array or a public KeyObject', 'peer', peer);
  }
  const jwk: JsonWebKey = peer.export(ownProperties({ format: 'jwk' } as const, 'options'));
  if (jwk.crv !== type) throw peerInvalid(`it is no public key of ${type}`);
  const [x, y] = [jwk.x, jwk.y].map((number) => Buffer.from(number ?? '', 'base64url'));
  return type === 'X25519'
    ? (x as Buffer)
    : Buffer.concat([Buffer.of(4), x as Buffer, y as Buffer]);
}

/** The bytes as a backend takes them, in memory of their own. */
function uncompressed(algorithm: AgreementAlgorithm, peer: Uint8Array): Uint8Array {
  const { type, peerByteLength } = AGREEMENTS[algorithm];
  const curve = CURVE_NAMES[type];
  let bytes = peer;
  if (curve !== undefined && peer.length === (peerByteLength + 1) / 2) {
    try {
      bytes = ECDH.convertKey(peer, curve, undefined, undefined, 'uncompressed') as Buffer;
    } catch {
      throw peerInvalid('it is not a point of the curve');
    }
  }
  if (bytes.length !== peerByteLength) throw peerInvalid('it has another length');
  const own = new Uint8Array(new ArrayBuffer(peerByteLength));
  own.set(bytes);
  return own;
}

function peerInvalid(reason: string): SecureMemoryError {
  return new SecureMemoryError(
    'ERR_SECMEM_PEER_INVALID',
    `the public key of the other side cannot be used: ${reason}`,
    { operation: 'diffieHellman' },
  );
}
