import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Span } from '../../src/ingest/keys/found-key.js';
import {
  isEqual,
  isLess,
  isOne,
  isProduct,
  multiply,
  reduce,
} from '../../src/ingest/keys/modular.js';

/** Numbers side by side in one place, as they lie in a file, and room for a remainder behind them. */
function laid(...numbers: readonly bigint[]) {
  const parts = numbers.map((number) => {
    const hex = number.toString(16);
    return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  });
  const bytes = new Uint8Array(Buffer.concat([...parts, Buffer.alloc(80, 0xa5)]));
  let end = 0;
  const spans = parts.map(({ length }) => {
    const start = end;
    end += length;
    return { start, end };
  });
  return { bytes, spans, end };
}

const numberIn = (bytes: Uint8Array, { start, end }: Span): bigint =>
  BigInt(`0x${Buffer.from(bytes.subarray(start, end)).toString('hex')}`);

const number = fc.bigInt({ min: 0n, max: 2n ** 300n });
const above = fc.bigInt({ min: 1n, max: 2n ** 300n });
const edge = fc.oneof(number, fc.constantFrom(0n, 1n, 255n, 256n, 2n ** 64n - 1n, 2n ** 64n));

it('K4 arithmetic in a page gives what arithmetic with bigint gives', () => {
  fc.assert(
    fc.property(edge, edge, above, fc.nat(3), (a, b, modulus, wider) => {
      const { bytes, spans, end } = laid(a, b, modulus, a * b, a % modulus);
      const [one, two, of, product, rest] = spans as [Span, Span, Span, Span, Span];
      const before = bytes.slice(0, end);
      const remainder = { start: end, end: end + 1 + of.end - of.start + wider };
      expect(isLess(bytes, one, two)).toBe(a < b ? 1 : 0);
      expect(isEqual(bytes, one, two)).toBe(a === b);
      expect(isOne(bytes, one)).toBe(a === 1n);
      expect(isProduct(bytes, one, two, product)).toBe(true);
      expect(isProduct(bytes, one, two, of)).toBe(a * b === modulus);
      reduce(bytes, one, of, remainder);
      expect(numberIn(bytes, remainder)).toBe(a % modulus);
      multiply(bytes, rest, two, of, remainder);
      expect(numberIn(bytes, remainder)).toBe(((a % modulus) * b) % modulus);
      // Nothing but the remainder is written to.
      expect(Buffer.compare(bytes.subarray(0, end), before)).toBe(0);
      expect(bytes.subarray(remainder.end).every((byte) => byte === 0xa5)).toBe(true);
    }),
    { numRuns: 300 },
  );
});
