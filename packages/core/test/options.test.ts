import { describe, expect, it } from 'vitest';
import { createAllocator } from '../src/index.js';
import { fakeBackend } from '../src/testing/index.js';
import { open } from './fixture.js';

describe('options', () => {
  it.each([
    ['an unknown option', { unknown: 1 }, TypeError],
    ['an unknown option in a group', { budget: { max: 1 } }, TypeError],
    ['a negative budget', { budget: { lockedByteLengthMax: -1 } }, RangeError],
    ['a budget in words', { budget: { lockedByteLengthMax: '64k' } }, TypeError],
    ['Z1 a boundary of NaN', { routing: { pooledByteLengthMax: Number.NaN } }, RangeError],
    ["Z1 a boundary of 'abc'", { routing: { pooledByteLengthMax: 'abc' } }, TypeError],
    ['Z1 a negative boundary', { routing: { pooledByteLengthMax: -1 } }, RangeError],
    ['a slab of half pages', { routing: { slabByteLengthMax: 5000 } }, RangeError],
    ['an endless wait', { admission: { waitMsMax: Number.POSITIVE_INFINITY } }, RangeError],
    ['an unknown word', { atRest: 'closed' }, TypeError],
    ['a requirement that is no list', { require: 'locked' }, TypeError],
    ['a fallback maximum without fallback', { fallbackByteLengthMax: 4096 }, TypeError],
    ['no backend', { backend: undefined }, TypeError],
  ])('createAllocator() refuses %s', (_, options, error) => {
    const { kernel } = open();
    expect(() =>
      createAllocator({ backend: fakeBackend({ kernel }), ...options } as never),
    ).toThrow(error);
  });

  it.each([0, -1, 1.5, Number.NaN, 2 ** 31 + 1])(
    'allocate(%o) is a RangeError before anything changes',
    async (n) => {
      const { memory } = open();
      expect(() => memory.allocateSync(n)).toThrow(RangeError);
      await expect(memory.allocate(n)).rejects.toThrow(RangeError);
      expect(() => memory.allocateAllSync([8, n])).toThrow(RangeError);
      expect(memory.stats().primary.mapCalls).toBe(0);
    },
  );
});
