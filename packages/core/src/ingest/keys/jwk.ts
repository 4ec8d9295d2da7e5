import { isSecureMemoryError } from '../../contract/errors.js';
import { base64Shape, decodeBase64 } from '../base64.js';
import { findString } from '../json-document.js';
import type { PointerStep } from '../json-pointer.js';
import { type JsonString, readString } from '../json-string.js';
import { checkScalar, isOctetCurve, isScalarCurve, OCTET_BYTE_LENGTH, widthOf } from './curves.js';
import {
  type FoundKey,
  lengthOf,
  type OctetCurve,
  type ScalarCurve,
  type Span,
} from './found-key.js';
import { keyRefused } from './key-refused.js';

const RSA_NUMBERS = ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'] as const;
const CURVES: readonly (OctetCurve | ScalarCurve)[] = [
  'Ed25519',
  'X25519',
  'P-256',
  'P-384',
  'P-521',
  'secp256k1',
];

/**
 * The private key that the steps lead to in a document of JSON (RFC 7517; RFC 7518, section 6; RFC 8037; RFC 8812). Its members
 * are decoded where they lie, so the document is one no more. Members that are not of the key are not looked at.
 */
export function readJwk(bytes: Uint8Array, steps: readonly PointerStep[]): FoundKey {
  const jwk = new JwkReader(bytes, steps);
  const kty = jwk.word('kty', ['OKP', 'EC', 'RSA']);
  if (kty === 'RSA') return readRsa(jwk);
  const crv = jwk.word('crv', CURVES);
  if (isOctetCurve(crv) !== (kty === 'OKP')) {
    throw keyRefused('value', 'the curve is none of this type of key');
  }
  return isScalarCurve(crv) ? readPoint(bytes, jwk, crv) : readOctets(jwk, crv);
}

function readOctets(jwk: JwkReader, type: OctetCurve): FoundKey {
  const { d, x } = jwk.decoded(['d', 'x']);
  for (const key of [d, x]) {
    if (lengthOf(key) === OCTET_BYTE_LENGTH) continue;
    const problem = `a key of this curve has ${OCTET_BYTE_LENGTH} bytes`;
    throw keyRefused('value', problem, { byteOffset: key.start });
  }
  return { type, scalar: d, claims: [{ raw: x }] };
}

function readPoint(bytes: Uint8Array, jwk: JwkReader, type: ScalarCurve): FoundKey {
  const { d, x, y } = jwk.decoded(['d', 'x', 'y']);
  for (const number of [x, y]) {
    if (lengthOf(number) === widthOf(type)) continue;
    const problem = `a coordinate of this curve has ${widthOf(type)} bytes`;
    throw keyRefused('value', problem, { byteOffset: number.start });
  }
  checkScalar(bytes, type, d);
  return { type, scalar: d, claims: [{ x, y }] };
}

function readRsa(jwk: JwkReader): FoundKey {
  if (jwk.has('oth')) throw keyRefused('unsupported', 'the RSA key has more than two primes');
  const { n, e, d, p, q, dp, dq, qi } = jwk.decoded(RSA_NUMBERS);
  for (const number of [n, e, d, p, q, dp, dq, qi]) jwk.assertMinimal(number);
  return { type: 'RSA', numbers: { n, e, d, p, q, qi, crt: { dp, dq } }, der: undefined };
}

/** Members of one object, by name. */
class JwkReader {
  readonly #bytes: Uint8Array;
  readonly #steps: readonly PointerStep[];

  constructor(bytes: Uint8Array, steps: readonly PointerStep[]) {
    this.#bytes = bytes;
    this.#steps = steps;
  }

  has(name: string): boolean {
    try {
      this.#find(name);
    } catch (error) {
      if (isMissing(error)) return false;
      // Otherwise it is there, and no string.
    }
    return true;
  }

  /** Which of these words a member is. */
  word<Word extends string>(name: string, words: readonly Word[]): Word {
    const string = this.#string(name);
    const found = words.find((word) => this.#is(string, word));
    if (found !== undefined) return found;
    throw keyRefused('unsupported', `${name} is none of ${words.join(', ')}`, {
      byteOffset: string.start,
    });
  }

  /** What members of base64url decode to, all of them found before the first is. Padding is refused (RFC 7515, section 2). */
  decoded<Name extends string>(names: readonly Name[]): Readonly<Record<Name, Span>> {
    const strings = names.map((name) => [name, this.#string(name)] as const);
    const spans = strings.map(([name, string]) => [name, this.#decode(name, string)] as const);
    return Object.fromEntries(spans) as Record<Name, Span>;
  }

  /** A number of a JWK has no leading zeros (RFC 7518, section 2). */
  assertMinimal({ start }: Span): void {
    if (this.#bytes[start] !== 0) return;
    throw keyRefused('value', 'a number is zero or begins with zeros', { byteOffset: start });
  }

  #string(name: string): JsonString {
    try {
      return this.#find(name);
    } catch (error) {
      if (!isMissing(error)) throw error;
      throw keyRefused('missing', `there is no ${name}: this is no private key, or not all of one`);
    }
  }

  #find(name: string): JsonString {
    const step = { name: new Uint8Array(Buffer.from(name)), index: undefined };
    return findString(this.#bytes, [...this.#steps, step]);
  }

  #is({ start, byteLength }: JsonString, word: string): boolean {
    let equal = byteLength === word.length;
    readString(this.#bytes, start, (byte, index) => {
      if (byte !== word.charCodeAt(index)) equal = false;
    });
    return equal;
  }

  #decode(name: string, { start, byteLength }: JsonString): Span {
    readString(this.#bytes, start, (byte, index) => {
      this.#bytes[start + index] = byte;
    });
    const text = this.#bytes.subarray(start, start + byteLength);
    const shape = base64Shape(text);
    const padded = shape?.digits !== byteLength;
    if (shape === undefined || padded || !decodeBase64(text, shape, 'base64url', text)) {
      throw keyRefused('syntax', `${name} is not base64url`, { byteOffset: start });
    }
    return { start, end: start + shape.byteLength };
  }
}

function isMissing(error: unknown): boolean {
  return isSecureMemoryError(error) && error.details['reason'] === 'missing';
}
