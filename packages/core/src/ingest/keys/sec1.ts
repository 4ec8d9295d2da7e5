import { checkScalar, isScalarCurve, pointClaim } from './curves.js';
import { constructed, DerReader, TAG } from './der.js';
import type { FoundKey, PublicClaim, ScalarCurve, Span } from './found-key.js';
import { keyRefused } from './key-refused.js';
import { objectName } from './object-ids.js';

/**
 * ECPrivateKey of SEC 1 (RFC 5915, section 3). `curve` is what is around it has said already; where the key says it too, it must
 * be the same, and where nobody does there is no key.
 */
export function readSec1(bytes: Uint8Array, der: Span, curve?: ScalarCurve): FoundKey {
  const key = DerReader.only(bytes, der, TAG.sequence, 'the EC key');
  if (key.small('the version of the EC key') !== 1) {
    throw keyRefused('unsupported', 'the EC key is of another version than 1');
  }
  const scalar = key.take(TAG.octetString, 'the private key');
  let type = curve;
  if (key.next === constructed(0)) {
    const own = readCurve(bytes, key.take(constructed(0), 'the parameters'));
    if (type !== undefined && own !== type) {
      throw keyRefused('mismatch', 'the key names two curves', { byteOffset: scalar.start });
    }
    type = own;
  }
  if (type === undefined) {
    throw keyRefused('unsupported', 'the EC key names no curve', {
      remedy: 'write it as PKCS#8: openssl pkcs8 -topk8 -nocrypt',
    });
  }
  checkScalar(bytes, type, scalar);
  const claims: PublicClaim[] = [];
  if (key.next === constructed(1)) {
    const wrapped = key.enter(constructed(1), 'the public key');
    const point = wrapped.bits(TAG.bitString, 'the public key');
    wrapped.end('the public key');
    claims.push(pointClaim(bytes, type, point));
  }
  key.end('the EC key');
  return { type, scalar, claims };
}

/** A curve by its name, which is all of `span`. Curves that are spelt out by their numbers are refused, whichever they are. */
export function readCurve(bytes: Uint8Array, span: Span): ScalarCurve {
  const parameters = new DerReader(bytes, span);
  if (parameters.next === TAG.sequence) {
    throw keyRefused('unsupported', 'the curve is given by its numbers', {
      remedy: 'name it: openssl ec -param_enc named_curve',
    });
  }
  const id = parameters.take(TAG.oid, 'the curve');
  parameters.end('the curve');
  const name = objectName(bytes, id);
  if (isScalarCurve(name)) return name;
  throw keyRefused('unsupported', 'the curve is none of P-256, P-384, P-521 and secp256k1', {
    byteOffset: id.start,
  });
}
