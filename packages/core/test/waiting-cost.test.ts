import { describe, expect, it } from 'vitest';
import type { Secret } from '../src/index.js';
import { open, PAGE, turn } from './fixture.js';

const LIMIT = 16 * PAGE;
const SET = [92, 32, 32, 64];

const disposeAll = (secrets: readonly Secret[]): void => {
  for (const secret of secrets) secret.dispose();
};

/** Sets of four, held across a turn, far more of them than fit. Counts what the simulated kernel was asked. */
async function storm(requests: number, lockedByteLengthMax: number) {
  const { memory, kernel } = open({
    kernel: { lockLimit: { kind: 'unlimited' } },
    budget: { lockedByteLengthMax },
  });
  const { lockLimit: before } = kernel.calls;
  await Promise.all(
    Array.from({ length: requests }, async () => {
      const secrets = await memory.allocateAll(SET);
      await turn();
      disposeAll(secrets);
    }),
  );
  return { waits: memory.stats().admission.waits, questions: kernel.calls.lockLimit - before };
}

describe('what waiting costs', () => {
  it('A2 releases look through the queue without asking the kernel for its limit each time', async () => {
    const { waits, questions } = await storm(2_000, LIMIT);
    expect(waits).toBeGreaterThan(1_000);
    // Four releases and one grant for each; it was about sixty questions once.
    expect(questions).toBeLessThan(waits / 4);
  });

  it('X6 a newcomer asks anew, and so does a waiter at its next retry', async () => {
    const { memory, kernel } = open({ routing: { pooledByteLengthMax: 0 } });
    const held = await memory.allocateAll(Array.from({ length: 16 }, () => 32));
    const waiting = memory.allocate(32);
    await turn();
    kernel.setLockLimit({ kind: 'bytes', byteLength: 32 * PAGE });
    // Too large under the limit that those who wait go by.
    const large = memory.allocate(20 * PAGE);
    (await waiting).dispose();
    disposeAll(held);
    (await large).dispose();
  });

  it('a request of another size behind one that is refused is served where its own slot comes free', async () => {
    const { memory } = open({ kernel: { lockLimit: { kind: 'bytes', byteLength: 2 * PAGE } } });
    const large = [memory.allocateSync(1_500), memory.allocateSync(1_500)];
    const small: Secret[] = [];
    while (memory.stats().primary.slabs.some(({ live, slots }) => live < slots) || small.length < 1)
      small.push(memory.allocateSync(64));
    const first = memory.allocate(1_500);
    const second = memory.allocate(64);
    const third = memory.allocate(64);
    small.pop()?.dispose();
    (await second).dispose();
    (await third).dispose();
    disposeAll(large);
    (await first).dispose();
    disposeAll(small);
  });
});
