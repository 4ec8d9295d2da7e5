import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { inverseModulo } from '../src/modular-inverse.js';

const random = (byteLength: number): bigint =>
  BigInt(`0x${randomBytes(byteLength).toString('hex')}`);

describe('the inverse of a number', () => {
  it('times the number is one, for moduli of any length', () => {
    for (let byteLength = 1; byteLength < 300; byteLength += byteLength < 20 ? 1 : 13) {
      for (let round = 0; round < 20; round++) {
        const modulus = (random(byteLength) | 1n) + 2n;
        const number = random(byteLength) % modulus;
        const inverse = inverseModulo(number, modulus);
        if (inverse === undefined) expect(gcd(number, modulus)).not.toBe(1n);
        else {
          expect((inverse * number) % modulus).toBe(1n % modulus);
          expect(inverse >= 0n && inverse < modulus).toBe(true);
        }
      }
    }
  });

  it('is there for the smallest and the greatest, and for neighbours', () => {
    const modulus = 2n ** 2048n - 1942289n;
    for (const number of [
      1n,
      2n,
      modulus - 1n,
      modulus - 2n,
      modulus / 2n,
      2n ** 1024n,
      2n ** 52n,
    ]) {
      const inverse = inverseModulo(number, modulus);
      if (inverse !== undefined) expect((inverse * number) % modulus).toBe(1n);
      else expect(gcd(number, modulus)).not.toBe(1n);
    }
  });

  it('is none for zero and for a multiple of a factor', () => {
    const factor = (random(100) | 1n) + 2n;
    const modulus = factor * ((random(128) | 1n) + 2n);
    expect(inverseModulo(0n, modulus)).toBe(undefined);
    expect(inverseModulo(factor * 17n, modulus)).toBe(undefined);
  });
});

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b);
}
