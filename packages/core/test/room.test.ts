import { expect, it } from 'vitest';
import { isSecureMemoryError, roomFor } from '../src/index.js';
import { open, PAGE } from './fixture.js';

/** What really fits. */
function filled(byteLength: number, limitByteLength: number, guardPages: boolean): number {
  const { memory } = open({
    kernel: { lockLimit: { kind: 'bytes', byteLength: limitByteLength } },
    capabilities: { guardPages },
  });
  for (let secrets = 0; ; secrets++) {
    try {
      memory.allocateSync(byteLength);
    } catch (error) {
      if (isSecureMemoryError(error) && error.kind === 'capacity') return secrets;
      throw error;
    }
  }
}

const sizes = [1, 32, 33, 64, 100, 1_024, 2_047, 2_048, 2_049, 4_096, 4_097, 10_000];
const limits = [0, 1, PAGE, 2 * PAGE, 3 * PAGE, 5 * PAGE, 16 * PAGE, 16 * PAGE + 1, 100 * PAGE];

it.each([true, false])('roomFor() says exactly what fits, with guard pages %s', (guardPages) => {
  const { backend } = open({ capabilities: { guardPages } });
  for (const byteLength of sizes) {
    for (const limit of limits) {
      const { secrets } = roomFor(backend, byteLength, limit);
      expect([byteLength, limit, secrets]).toEqual([
        byteLength,
        limit,
        filled(byteLength, limit, guardPages),
      ]);
    }
  }
});

it('M1 roomFor() a thousand secrets of 64 bytes: 128 KiB hold them, and each costs 72 bytes and its share of a page', () => {
  const { backend } = open();
  expect(roomFor(backend, 64, 131_072).secrets).toBeGreaterThanOrEqual(1_000);
  expect(roomFor(backend, 64, 131_072).byteLengthEach).toBe(PAGE / 56);
  expect(roomFor(backend, 64, 2 ** 30).byteLengthEach).toBeLessThan(72.01);
});

it('roomFor() refuses what is no length', () => {
  const { backend } = open();
  expect(() => roomFor(backend, 0, PAGE)).toThrow(RangeError);
  expect(() => roomFor(backend, 32, -1)).toThrow(RangeError);
  expect(() => roomFor(backend, 32, Number.NaN)).toThrow(RangeError);
});
