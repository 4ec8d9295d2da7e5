import { describe, expect, it } from 'vitest';
import type { LockLimit } from '../src/contract/index.js';
import { createAllocator } from '../src/index.js';
import { createFakeKernel, fakeBackend, faultyBackend } from '../src/testing/index.js';
import { open, thrown } from './fixture.js';

const KIB = 1024;
const of = (byteLength: number): LockLimit => ({ kind: 'bytes', byteLength });

/** An allocator that asks for a higher limit of a kernel with these. */
function raising(soft: LockLimit, hard: LockLimit, budget: object = {}) {
  const kernel = createFakeKernel({ lockLimit: soft, hardLockLimit: hard });
  const create = () => open({ kernel, budget: { raiseLimit: true, ...budget } });
  return { kernel, create };
}

describe('budget.raiseLimit', () => {
  it('A7 raises as far as the budget and its headroom need, and no further', () => {
    const budget = { lockedByteLengthMax: 256 * KIB, headroomByteLength: 8 * KIB };
    const { kernel, create } = raising(of(64 * KIB), of(1024 * KIB), budget);
    create();
    expect(kernel.lockLimit).toEqual(of(264 * KIB));
  });

  it('A7 with an automatic budget raises as far as the system lets it', () => {
    const { kernel, create } = raising(of(64 * KIB), of(1024 * KIB));
    create();
    expect(kernel.lockLimit).toEqual(of(1024 * KIB));
  });

  it.each([
    ['there is no limit', { kind: 'unlimited' } as const],
    ['nobody knows the limit', { kind: 'unknown' } as const],
    ['the limit is high enough', of(512 * KIB)],
  ])('A7 asks for nothing where %s', (_, soft) => {
    const { kernel, create } = raising(soft, soft, { lockedByteLengthMax: 256 * KIB });
    create();
    expect(kernel.calls.raiseLockLimit).toBe(0);
    expect(kernel.lockLimit).toEqual(soft);
  });

  it.each([
    ['by the hard limit', of(64 * KIB), {}],
    [
      'by the hard limit, short of a given maximum',
      of(128 * KIB),
      { lockedByteLengthMax: 256 * KIB },
    ],
    ['by a hard limit that nobody knows', { kind: 'unknown' } as const, {}],
  ])('A7 throws, with everything as it was, when it is refused %s', (_, hard, budget) => {
    const { kernel, create } = raising(of(64 * KIB), hard, budget);
    expect(thrown(create)).toMatchObject({ code: 'ERR_SECMEM_CANNOT_RAISE' });
    expect(kernel.lockLimit).toEqual(of(64 * KIB));
    expect(kernel.regionCount).toBe(0);
  });

  it('A7 passes on what a backend throws that is no refusal, with nothing left open', () => {
    const kernel = createFakeKernel({ lockLimit: of(64 * KIB) });
    const backend = faultyBackend(fakeBackend({ kernel }));
    const error = new Error('a defect of the backend');
    backend.fail('raiseLockLimit', { error: () => error });
    const budget = { raiseLimit: true };
    expect(thrown(() => createAllocator({ backend, budget, exitHooks: false }))).toBe(error);
    expect(kernel.regionCount).toBe(0);
  });
});
