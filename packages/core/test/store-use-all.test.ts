import { describe, expect, it } from 'vitest';
import type { Secret, SecretStore } from '../src/index.js';
import { type FixtureOptions, open, PAGE, turn } from './fixture.js';

const bytesOf = (length: number, fill: number): Uint8Array =>
  new Uint8Array(new ArrayBuffer(length)).fill(fill);
const first = (secret: Secret): number => secret.read((bytes) => bytes[0] as number);

/** A store with the entries a to h, each of one page, where the sealing key and `pages` of them fit. */
async function pagesOf(pages: number, options: FixtureOptions & { hotMax?: number } = {}) {
  const { hotMax = 64, ...rest } = options;
  const fixture = open({ budget: { lockedByteLengthMax: (pages + 1) * PAGE }, ...rest });
  const store = fixture.memory.store({ hotMax });
  for (const [i, name] of [...'abcdefgh'].entries()) await store.set(name, bytesOf(4000, i + 1));
  return { ...fixture, store };
}

const idle = (store: SecretStore): void => expect(store.stats().inUse).toBe(0);

describe('P20 useAll', () => {
  it('P20 two tasks that need two secrets each finish where nested calls of use wait for each other', async () => {
    const { memory, store } = await pagesOf(2, { hotMax: 0 });
    const together = (x: string, y: string): Promise<number> =>
      store.useAll([x, y], async ([one, two]) => {
        await turn();
        return first(one) + first(two);
      });
    expect(await Promise.all([together('a', 'b'), together('c', 'd')])).toEqual([3, 7]);
    idle(store);

    // The control: the same by nested calls ends when one of them has waited too long.
    const nested = (x: string, y: string): Promise<number> =>
      store.use(x, async (one) => {
        await turn();
        return store.use(y, (two) => first(one) + first(two), { waitMsMax: 100 });
      });
    const settled = await Promise.allSettled([nested('a', 'b'), nested('c', 'd')]);
    expect(settled.map(({ status }) => status)).toContain('rejected');
    expect(memory.stats().admission.waiting).toBe(0);
  });

  it.each([0, 1, 64])(
    'P20 none of many that compete for any secrets in any order waits for ever, with %i kept open',
    async (hotMax) => {
      const { memory, store } = await pagesOf(3, { hotMax });
      let seed = 7;
      const random = (n: number): number => {
        seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
        return (seed >>> 8) % n;
      };
      const tasks = Array.from({ length: 120 }, async () => {
        const names = Array.from({ length: 1 + random(3) }, () => 'abcdefgh'[random(8)] as string);
        for (let i = random(4); i > 0; i--) await turn();
        return store.useAll(names, async (secrets) => {
          for (let i = random(3); i > 0; i--) await turn();
          for (const [i, secret] of secrets.entries()) {
            expect(first(secret)).toBe('abcdefgh'.indexOf(names[i] as string) + 1);
          }
        });
      });
      await Promise.all(tasks);
      idle(store);
      expect(memory.stats().admission.waiting).toBe(0);
      expect(store.stats().open).toBeLessThanOrEqual(Math.min(hotMax, 3));
    },
    60_000,
  );

  it('P20 holds nothing while it waits, not even what was open', async () => {
    const { store } = await pagesOf(2);
    await store.use('a', () => {});
    let release = (): void => {};
    const held = store.use('b', () => new Promise<void>((resolve) => (release = resolve)));
    await turn();
    const waits = store.useAll(['a', 'c'], ([one, two]) => [first(one), first(two)]);
    await turn();
    // The page of a goes to whoever can use it now.
    expect(await store.use('d', first)).toBe(4);
    release();
    await held;
    expect(await waits).toEqual([1, 3]);
    idle(store);
  });

  it('P20 gives one secret for a name that is there twice, in the order of the names', async () => {
    const { store } = await pagesOf(2);
    await store.useAll(['b', 'a', 'b'], ([one, two, three]) => {
      expect(one).toBe(three);
      expect([first(one), first(two)]).toEqual([2, 1]);
    });
    expect(store.stats()).toMatchObject({ inUse: 0, misses: 2 });
    await store.useAll(['a', 'b'], () => {});
    expect(store.stats()).toMatchObject({ hits: 2 });
  });

  it('P20 opens all or none: a name that is not there, a signal, what never fits, no waiting', async () => {
    const { memory, store } = await pagesOf(2, { hotMax: 0 });
    const fn = (): never => expect.unreachable('fn must not run');
    const stop = new AbortController();
    const reason = new Error('enough');
    let release = (): void => {};
    const held = store.use('h', () => new Promise<void>((resolve) => (release = resolve)));
    await turn();
    const aborted = store.useAll(['a', 'b'], fn, { signal: stop.signal });
    await turn();
    stop.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    await expect(store.useAll(['a', 'none'], fn)).rejects.toMatchObject({
      code: 'ERR_SECMEM_DISPOSED',
    });
    await expect(store.useAll(['a', 'b'], fn, { onCapacity: 'throw' })).rejects.toMatchObject({
      kind: 'capacity',
    });
    await expect(store.useAll(['a', 'b'], fn, { waitMsMax: 5 })).rejects.toMatchObject({
      code: 'ERR_SECMEM_WAIT_TIMEOUT',
    });
    await expect(store.useAll(['a', 'b', 'c', 'd'], fn)).rejects.toMatchObject({
      code: 'ERR_SECMEM_TOO_LARGE',
    });
    expect(store.stats()).toMatchObject({ open: 1, inUse: 1 });
    release();
    await held;
    expect(memory.stats()).toMatchObject({ secrets: 0, admission: { waiting: 0 } });
  });

  it('P20 lets everything go when one of them does not open, and when fn throws', async () => {
    const { memory, store } = await pagesOf(3, { hotMax: 0 });
    const thrown = new Error('of fn');
    const failing = store.useAll(['a', 'b'], () => Promise.reject(thrown));
    await expect(failing).rejects.toBe(thrown);
    idle(store);
    const waits = store.useAll(['a', 'b'], () => expect.unreachable('it was purged'));
    memory.purge('test');
    await expect(waits).rejects.toThrow();
    idle(store);
    expect(memory.stats().secrets).toBe(0);
  });

  it('P20 sees what the names lead to when the places are there', async () => {
    const { store } = await pagesOf(2, { hotMax: 0 });
    let release = (): void => {};
    const held = store.use('h', () => new Promise<void>((resolve) => (release = resolve)));
    await turn();
    const waits = store.useAll(['a', 'b'], ([a, b]) => [a.byteLength, first(a), first(b)]);
    const gone = store.useAll(['c', 'd'], () => expect.unreachable('d is gone'));
    store.delete('d');
    release();
    await held;
    await store.set('a', bytesOf(100, 77));
    expect(await waits).toSatisfy((seen: number[]) =>
      [[4000, 1, 2].join(), [100, 77, 2].join()].includes(seen.join()),
    );
    await expect(gone).rejects.toMatchObject({ code: 'ERR_SECMEM_DISPOSED' });
    idle(store);
  });

  it('P20 refuses names, functions and options of the wrong kind before anything is opened', async () => {
    const { store } = await pagesOf(2);
    const fn = (): void => {};
    for (const names of ['ab', undefined, [1], ['a', undefined]]) {
      await expect(store.useAll(names as never, fn)).rejects.toThrow(TypeError);
    }
    await expect(store.useAll([], fn)).rejects.toThrow(RangeError);
    await expect(store.useAll(['a'], undefined as never)).rejects.toThrow(TypeError);
    await expect(store.useAll(['a'], fn, { wait: 1 } as never)).rejects.toThrow(/unknown option/);
    store.dispose();
    await expect(store.useAll(['a'], fn)).rejects.toMatchObject({ code: 'ERR_SECMEM_DISPOSED' });
  });
});
