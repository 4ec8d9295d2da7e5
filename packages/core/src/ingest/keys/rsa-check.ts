import { lengthOf, type RsaNumbers, type Span } from './found-key.js';
import { keyRefused } from './key-refused.js';
import { isEqual, isLess, isOne, isProduct, multiply, reduce } from './modular.js';

/** Of the modulus. Smaller ones are near to being factored (NIST SP 800-131A), larger ones take seconds for each signature. */
export const RSA_BITS_MIN = 2048;
export const RSA_BITS_MAX = 8192;
/** What OpenSSL takes with a modulus of any size. */
const EXPONENT_BYTE_LENGTH_MAX = 8;

/** Of the room that `checkRsa` needs: three remainders. */
export const RSA_ROOM_BYTE_LENGTH = 3 * (RSA_BITS_MAX / 16 + 2);

/** All eight numbers of RFC 8017, appendix A.1.2. */
export interface WholeRsaNumbers extends RsaNumbers {
  readonly crt: { readonly dp: Span; readonly dq: Span };
}

/**
 * Throws unless the numbers belong together: one signature with half of a key that is wrong gives the primes away. Whether `p` and
 * `q` are primes is not looked at. `dp` and `dq` are calculated, into `room`, and must be those of the file where it has any.
 */
export function checkRsa(bytes: Uint8Array, numbers: RsaNumbers, room: Span): WholeRsaNumbers {
  const { n, p, q, qi, crt } = numbers;
  checkSizes(bytes, numbers);
  if (!isProduct(bytes, p, q, n)) throw wrong('the modulus is not the product of its primes', n);
  const width = Math.max(lengthOf(p), lengthOf(q)) + 1;
  const [dp, dq, remainder] = [0, 1, 2].map((i) => ({
    start: room.start + i * width,
    end: room.start + (i + 1) * width,
  })) as [Span, Span, Span];
  checkExponent(bytes, numbers, p, { given: crt?.dp, found: dp, remainder });
  checkExponent(bytes, numbers, q, { given: crt?.dq, found: dq, remainder });
  if (isLess(bytes, qi, p) === 0) throw wrong('the coefficient is not below its prime', qi);
  multiply(bytes, qi, q, p, remainder);
  if (!isOne(bytes, remainder)) throw wrong('the coefficient is not the inverse of a prime', qi);
  return { ...numbers, crt: { dp, dq } };
}

function checkSizes(bytes: Uint8Array, { n, e, d, p, q }: RsaNumbers): void {
  const bits = 8 * lengthOf(n) - Math.clz32(bytes[n.start] as number) + 24;
  if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX) {
    const problem = `the modulus has not ${RSA_BITS_MIN} to ${RSA_BITS_MAX} bits`;
    throw keyRefused('unsupported', problem, { byteOffset: n.start });
  }
  const even = (a: Span): boolean => ((bytes[a.end - 1] as number) & 1) === 0;
  if (even(e) || isOne(bytes, e) || lengthOf(e) > EXPONENT_BYTE_LENGTH_MAX) {
    throw wrong('the public exponent is even, 1 or longer than 8 bytes', e);
  }
  const half = Math.ceil(lengthOf(n) / 2);
  for (const prime of [p, q]) {
    if (even(prime) || lengthOf(prime) > half) {
      throw wrong('a prime is even, or longer than half of the modulus', prime);
    }
  }
  if (isLess(bytes, d, n) === 0) throw wrong('the private exponent is not below the modulus', d);
}

interface Room {
  readonly given: Span | undefined;
  readonly found: Span;
  readonly remainder: Span;
}

/** `found` becomes `d` modulo `prime - 1`. Throws unless it is the one of the file, and the inverse of `e`. */
function checkExponent(
  bytes: Uint8Array,
  { d, e }: RsaNumbers,
  prime: Span,
  { given, found, remainder }: Room,
): void {
  const last = prime.end - 1;
  // An odd prime less one, where it lies: its last bit is taken away and put back.
  bytes[last] = (bytes[last] as number) & 0xfe;
  reduce(bytes, d, prime, found);
  multiply(bytes, found, e, prime, remainder);
  bytes[last] = (bytes[last] as number) | 1;
  if (given !== undefined && !isEqual(bytes, given, found)) {
    throw wrong('an exponent is not the private one modulo a prime less one', given);
  }
  if (!isOne(bytes, remainder)) {
    throw wrong('the private exponent is not the inverse of the public one', d);
  }
}

function wrong(problem: string, { start }: Span): Error {
  return keyRefused('value', problem, { byteOffset: start });
}
