import { describe, expect, it } from 'vitest';
import { isSecureMemoryError, type Secret } from '../src/index.js';
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
    try {
      for (;;) small.push(memory.allocateSync(64));
    } catch (error) {
      expect(isSecureMemoryError(error, 'ERR_SECMEM_LOCK_LIMIT')).toBe(true);
    }
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

/** Processor time of `fn`, in microseconds. */
function cost(fn: () => void): number {
  const before = process.cpuUsage();
  fn();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** The least of several, so that what else the process does counts as little as it can. */
async function least(run: () => Promise<number>): Promise<number> {
  const costs: number[] = [];
  for (let i = 0; i < 3; i++) costs.push(await run());
  return Math.max(1, Math.min(...costs));
}

describe('C7 what does not grow', () => {
  const unlimited = { kernel: { lockLimit: { kind: 'unlimited' } } } as const;
  /** A cost that grows with the number would grow by a factor of 20 or more. */
  const FACTOR = 8;

  it('C7 the end of a phase costs the same however many others wait', async () => {
    const ending = (waiters: number): Promise<number> =>
      least(async () => {
        const { memory } = open({
          ...unlimited,
          budget: { lockedByteLengthMax: PAGE },
          admission: { queueLengthMax: 20_000 },
        });
        const held = memory.allocateSync(PAGE);
        const waiting = Array.from({ length: waiters }, () => memory.allocate(PAGE));
        const settled = Promise.allSettled(waiting);
        const ends: (() => void)[] = [];
        const phases = Array.from({ length: 200 }, () =>
          memory.phase(() => new Promise<void>((resolve) => ends.push(resolve))),
        );
        await turn();
        const before = process.cpuUsage();
        for (const end of ends) end();
        await Promise.all(phases);
        const { user, system } = process.cpuUsage(before);
        const closed = memory.close();
        held.dispose();
        await Promise.all([closed, settled]);
        return user + system;
      });
    expect(await ending(16_000)).toBeLessThan(FACTOR * (await ending(500)));
  });

  it('C7 a phase ends its own waiters, in their order, and nobody else’s', async () => {
    const { memory } = open({ ...unlimited, budget: { lockedByteLengthMax: PAGE } });
    const held = memory.allocateSync(PAGE);
    const heard: string[] = [];
    const others = [memory.allocate(PAGE)];
    await memory.phase((phase) => {
      for (const name of ['first', 'second'])
        phase.allocate(PAGE).catch(({ code }) => heard.push(`${name} ${code}`));
      others.push(memory.allocate(PAGE));
    });
    await turn();
    expect(heard).toEqual(['first ERR_SECMEM_CLOSED', 'second ERR_SECMEM_CLOSED']);
    expect(memory.stats().admission.waiting).toBe(2);
    held.dispose();
    for (const other of others) (await other).dispose();
  });

  it('C7 a set that waits costs a release the same however long it is', async () => {
    const releasing = (length: number): Promise<number> =>
      least(async () => {
        const { memory } = open({ ...unlimited, budget: { lockedByteLengthMax: 128 * PAGE } });
        const all = memory.allocateAllSync(Array.from({ length: 128 * 102 }, () => 32));
        const settled = Promise.allSettled([memory.allocateAll(Array.from({ length }, () => 64))]);
        // Fewer bytes in all than the shorter set needs, and no two of them side by side.
        const used = cost(() => {
          for (let i = 0; i < 300; i++) (all[i * 40] as Secret).dispose();
        });
        expect(memory.stats().admission.waiting).toBe(1);
        const closed = memory.close();
        await Promise.all([closed, settled]);
        return used;
      });
    expect(await releasing(7_000)).toBeLessThan(FACTOR * (await releasing(320)));
  });

  it('C7 a phase that waits for one lease costs the accesses of others the same however large it is', async () => {
    const reading = (secrets: number): Promise<number> =>
      least(async () => {
        const { memory } = open(unlimited);
        const other = memory.allocateSync(32);
        let lease: { release(): void } | undefined;
        const ended = memory.phase((phase) => {
          const held = phase.allocateAllSync(Array.from({ length: secrets }, () => 32));
          lease = (held[0] as Secret).lend();
        });
        await turn();
        const used = cost(() => {
          for (let i = 0; i < 500; i++) other.read(() => {});
        });
        lease?.release();
        await ended;
        return used;
      });
    expect(await reading(16_000)).toBeLessThan(FACTOR * (await reading(500)));
  });
});
