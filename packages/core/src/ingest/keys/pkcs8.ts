import { isOctetCurve, OCTET_BYTE_LENGTH, pointClaim } from './curves.js';
import { constructed, DerReader, primitive, TAG } from './der.js';
import {
  type FoundKey,
  lengthOf,
  type OctetCurve,
  type ScalarCurve,
  type Span,
} from './found-key.js';
import { keyRefused } from './key-refused.js';
import { isEqual } from './modular.js';
import { objectName } from './object-ids.js';
import { readRsa } from './rsa-der.js';
import { readCurve, readSec1 } from './sec1.js';

/** Of a value of an attribute: text or a number. */
const ATTRIBUTE_TAGS: readonly number[] = [
  TAG.integer,
  TAG.octetString,
  TAG.oid,
  // UTF8String, PrintableString, IA5String.
  0x0c,
  0x13,
  0x16,
];

/**
 * The key of a PKCS#8 file: PrivateKeyInfo of RFC 5208, and OneAsymmetricKey of RFC 5958, which is
 * version 1 and has the public key too. Attributes are read over.
 */
export function readPkcs8(bytes: Uint8Array, der: Span): FoundKey {
  const info = DerReader.only(bytes, der, TAG.sequence, 'the key');
  const version = info.small('the version of the file');
  if (version > 1) throw keyRefused('unsupported', 'the file is of another version than 0 and 1');
  const { name, curve } = readAlgorithm(bytes, info.take(TAG.sequence, 'the algorithm'));
  const inside = info.take(TAG.octetString, 'the private key');
  if (info.next === constructed(0)) skipAttributes(info.enter(constructed(0), 'the attributes'));
  const publicKey =
    version === 1 ? info.bits(primitive(1), 'the public key of version 1') : undefined;
  info.end('the key');
  if (isOctetCurve(name)) return readOctets(bytes, name, inside, publicKey);
  const key = curve === undefined ? readRsa(bytes, inside) : readSec1(bytes, inside, curve);
  if (publicKey !== undefined) return withPublicKey(bytes, key, publicKey);
  return key;
}

/** The algorithm and, of an EC key, its curve. Throws where the parameters are not those that it must have. */
function readAlgorithm(
  bytes: Uint8Array,
  span: Span,
): { readonly name: OctetCurve | 'ec' | 'rsa'; readonly curve?: ScalarCurve } {
  const algorithm = new DerReader(bytes, span);
  const id = algorithm.take(TAG.oid, 'the algorithm');
  const name = objectName(bytes, id);
  if (name === 'ec') return { name, curve: readCurve(bytes, { start: id.end, end: span.end }) };
  // RFC 8017, appendix A.1, and RFC 8410, section 3: null, and nothing at all.
  if (name === 'rsa') algorithm.nothing('the parameter of RSA');
  else if (!isOctetCurve(name)) {
    const problem = 'the algorithm is none of Ed25519, X25519, EC and RSA';
    throw keyRefused('unsupported', problem, { byteOffset: id.start });
  }
  algorithm.end('the algorithm');
  return { name };
}

/** CurvePrivateKey of RFC 8410, section 7. */
function readOctets(
  bytes: Uint8Array,
  type: OctetCurve,
  inside: Span,
  publicKey: Span | undefined,
): FoundKey {
  const outer = new DerReader(bytes, inside);
  const scalar = outer.take(TAG.octetString, 'the private key');
  outer.end('the private key');
  for (const key of publicKey === undefined ? [scalar] : [scalar, publicKey]) {
    if (lengthOf(key) === OCTET_BYTE_LENGTH) continue;
    const problem = `a key of this curve has ${OCTET_BYTE_LENGTH} bytes`;
    throw keyRefused('value', problem, { byteOffset: key.start });
  }
  return { type, scalar, claims: publicKey === undefined ? [] : [{ raw: publicKey }] };
}

function withPublicKey(bytes: Uint8Array, key: FoundKey, publicKey: Span): FoundKey {
  if (key.type === 'RSA') {
    const numbers = DerReader.only(bytes, publicKey, TAG.sequence, 'the public key');
    const { n, e } = key.numbers;
    const same = [n, e].map((own) => isEqual(bytes, own, numbers.positive('a public number')));
    numbers.end('the public key');
    if (!same.every(Boolean)) throw keyRefused('mismatch', 'the public key is of another key');
    return key;
  }
  const claim = pointClaim(bytes, key.type as ScalarCurve, publicKey);
  return { ...key, claims: [...key.claims, claim] };
}

/** Names, such as Microsoft's and Apple's: each has an identifier and a set of values, which are simple. */
function skipAttributes(attributes: DerReader): void {
  while (attributes.next !== undefined) {
    const attribute = attributes.enter(TAG.sequence, 'an attribute');
    attribute.take(TAG.oid, 'the name of an attribute');
    const values = attribute.enter(TAG.set, 'the values of an attribute');
    attribute.end('an attribute');
    do {
      const tag = ATTRIBUTE_TAGS.find((known) => known === values.next);
      if (tag === undefined)
        throw keyRefused('unsupported', 'an attribute is no text and no number');
      if (tag === TAG.integer) values.integer('an attribute');
      else values.take(tag, 'an attribute');
    } while (values.next !== undefined);
  }
}
