import type { OctetCurve, ScalarCurve, Span } from './found-key.js';

/** What an object identifier of a key file may stand for. */
export type ObjectName =
  | OctetCurve
  | ScalarCurve
  | 'ec'
  | 'rsa'
  | 'pbes2'
  | 'pbkdf2'
  | 'scrypt'
  | 'hmac-sha224'
  | 'hmac-sha256'
  | 'hmac-sha384'
  | 'hmac-sha512'
  | 'aes-128-cbc'
  | 'aes-256-cbc';

const NAMES: readonly (readonly [ObjectName, string])[] = [
  // RFC 8410, section 3.
  ['Ed25519', '1.3.101.112'],
  ['X25519', '1.3.101.110'],
  // RFC 5480, section 2.1; SEC 2, appendix A.2.1.
  ['ec', '1.2.840.10045.2.1'],
  ['P-256', '1.2.840.10045.3.1.7'],
  ['P-384', '1.3.132.0.34'],
  ['P-521', '1.3.132.0.35'],
  ['secp256k1', '1.3.132.0.10'],
  // RFC 8017, appendix A.1.
  ['rsa', '1.2.840.113549.1.1.1'],
  // RFC 8018, appendix A; RFC 7914, section 7.
  ['pbes2', '1.2.840.113549.1.5.13'],
  ['pbkdf2', '1.2.840.113549.1.5.12'],
  ['scrypt', '1.3.6.1.4.1.11591.4.11'],
  ['hmac-sha224', '1.2.840.113549.2.8'],
  ['hmac-sha256', '1.2.840.113549.2.9'],
  ['hmac-sha384', '1.2.840.113549.2.10'],
  ['hmac-sha512', '1.2.840.113549.2.11'],
  // NIST, Computer Security Objects Register.
  ['aes-128-cbc', '2.16.840.1.101.3.4.1.2'],
  ['aes-256-cbc', '2.16.840.1.101.3.4.1.42'],
];

const KNOWN = NAMES.map(([name, dotted]) => [name, contentOf(dotted)] as const);

/** What an object identifier stands for; undefined for any other. */
export function objectName(bytes: Uint8Array, { start, end }: Span): ObjectName | undefined {
  const length = end - start;
  const is = (content: readonly number[]): boolean =>
    content.length === length && content.every((byte, i) => bytes[start + i] === byte);
  return KNOWN.find(([, content]) => is(content))?.[0];
}

/** The content of an object identifier in DER (X.690, section 8.19). */
function contentOf(dotted: string): readonly number[] {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return [40 * first + second, ...rest].flatMap((arc) => {
    const digits = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) {
      digits.unshift(128 + (left % 128));
    }
    return digits;
  });
}
