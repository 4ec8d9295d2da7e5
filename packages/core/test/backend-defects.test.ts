import { describe, expect, it } from 'vitest';
import { createFakeKernel } from '../src/testing/index.js';
import { open, PAGE, thrown } from './fixture.js';

describe('what a backend does while memory is mapped', () => {
  it.each(['wait', 'throw', 'fallback'] as const)(
    'a defect is thrown as it is under %s, and takes no place',
    async (onCapacity) => {
      const fallback = onCapacity === 'fallback' ? { fallback: open().backend } : {};
      const { memory, backend } = open({ onCapacity, ...fallback });
      const error = new Error('a defect of the backend');
      backend.fail('map', { times: 2, error: () => error });
      expect(thrown(() => memory.allocateSync(32))).toBe(error);
      await expect(memory.allocate(32)).rejects.toBe(error);
      expect(memory.stats()).toMatchObject({ secrets: 0, admission: { waiting: 0 } });
      memory.allocateSync(32).dispose();
    },
  );

  it('pages ahead of need come in regions that double in pairs, as far as their sum', () => {
    const kernel = createFakeKernel();
    const { memory } = open({ kernel, budget: { lockedByteLengthMin: 7 * PAGE } });
    const lengths = kernel.log
      .filter(({ operation }) => operation === 'map')
      .map(({ byteLength }) => (byteLength as number) / PAGE);
    expect(lengths).toEqual([1, 1, 2, 2, 1]);
    expect(memory.stats().primary.emptyByteLength).toBe(7 * PAGE);
  });
});
