import {
  createPublicKey,
  type JsonWebKeyInput,
  type KeyObject,
  type PublicKeyInput,
} from 'node:crypto';
import { SecureMemoryError } from '../../contract/errors.js';
import { ownProperties } from '../../contract/own-properties.js';
import { derOfPublicKey } from '../../keys/der.js';
import type { OctetCurve, PublicClaim, RsaNumbers, ScalarCurve, Span } from './found-key.js';

/** What a file says of a public key, away from the file. It is compared and wiped, since a broken file may have anything there. */
export interface Claimed {
  readonly bytes: Uint8Array;
  /** Of a point that is compressed: the last bit of its `y`. */
  readonly parity: 0 | 1 | undefined;
}

export function claimed(bytes: Uint8Array, claim: PublicClaim): Claimed {
  if ('raw' in claim) return { bytes: joined(bytes, [claim.raw]), parity: undefined };
  const { x, y } = claim;
  if (typeof y === 'object') return { bytes: joined(bytes, [x, y]), parity: undefined };
  return { bytes: joined(bytes, [x]), parity: y };
}

/** Whether that is so. `publicKey` is 32 bytes, or an uncompressed point. */
export function isOf({ bytes, parity }: Claimed, publicKey: Uint8Array): boolean {
  const own = publicKey.length % 2 === 0 ? publicKey : publicKey.subarray(1);
  const compared = parity === undefined ? own : own.subarray(0, own.length / 2);
  const sign = (own.at(-1) as number) & 1;
  if (compared.length !== bytes.length || (parity ?? sign) !== sign) return false;
  return compared.every((byte, i) => byte === bytes[i]);
}

export function curveKeyObject(type: OctetCurve | ScalarCurve, publicKey: Uint8Array): KeyObject {
  const key = Buffer.from(derOfPublicKey(type, publicKey));
  return keyObject({ key, format: 'der', type: 'spki' });
}

export function rsaKeyObject(bytes: Uint8Array, { n, e }: RsaNumbers): KeyObject {
  const text = ({ start, end }: Span): string =>
    Buffer.from(bytes.subarray(start, end)).toString('base64url');
  const key = ownProperties({ kty: 'RSA', n: text(n), e: text(e) }, 'key');
  return keyObject({ key, format: 'jwk' });
}

/**
 * What is given has no prototype, through which Node would read more: a careless merge of hostile data may have left a passphrase
 * there. Bun knows no secp256k1.
 */
function keyObject(given: PublicKeyInput | JsonWebKeyInput): KeyObject {
  try {
    return createPublicKey(ownProperties(given, 'options'));
  } catch (cause) {
    const problem = 'this runtime has no public keys of this kind';
    const operation = 'createPublicKey';
    throw new SecureMemoryError('ERR_SECMEM_NOT_SUPPORTED', problem, { operation, cause });
  }
}

function joined(bytes: Uint8Array, spans: readonly Span[]): Uint8Array {
  const length = spans.reduce((sum, { start, end }) => sum + end - start, 0);
  const copy = new Uint8Array(new ArrayBuffer(length));
  let at = 0;
  for (const { start, end } of spans) {
    copy.set(bytes.subarray(start, end), at);
    at += end - start;
  }
  return copy;
}
