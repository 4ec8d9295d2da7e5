import { DerReader, TAG } from './der.js';
import type { FoundRsaKey, Span } from './found-key.js';
import { keyRefused } from './key-refused.js';

/** RSAPrivateKey of PKCS#1 (RFC 8017, appendix A.1.2) in all of `der`, of two primes and no more. */
export function readRsa(bytes: Uint8Array, der: Span): FoundRsaKey {
  const key = DerReader.only(bytes, der, TAG.sequence, 'the RSA key');
  if (key.small('the version of the RSA key') !== 0) {
    throw keyRefused('unsupported', 'the RSA key is of another version than 0, of two primes');
  }
  const n = key.positive('the modulus');
  const e = key.positive('the public exponent');
  const d = key.positive('the private exponent');
  const p = key.positive('the first prime');
  const q = key.positive('the second prime');
  const dp = key.positive('the first exponent');
  const dq = key.positive('the second exponent');
  const qi = key.positive('the coefficient');
  key.end('the RSA key');
  return { type: 'RSA', numbers: { n, e, d, p, q, qi, crt: { dp, dq } }, der };
}
