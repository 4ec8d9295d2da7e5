import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Secret } from '../src/index.js';
import { type FixtureOptions, open, PAGE, sleep, thrown, turn } from './fixture.js';

const bytesOf = (n: number, first = 1): Uint8Array => {
  const bytes = new Uint8Array(new ArrayBuffer(n));
  for (let i = 0; i < n; i++) bytes[i] = first + i;
  return bytes;
};
const first = (secret: Secret): number => secret.read((bytes) => bytes[0] as number);

const onePage = (pages: number): FixtureOptions => ({
  kernel: { lockLimit: { kind: 'bytes', byteLength: pages * PAGE } },
});

/** A promise and the function that resolves it. */
function gate(): { readonly passed: Promise<void>; readonly pass: () => void } {
  let pass = (): void => {};
  const passed = new Promise<void>((resolve) => {
    pass = resolve;
  });
  return { passed, pass };
}

describe('hot slots', () => {
  it('callers of one name share one slot, cold and hot, and it stays open while one of them works', async () => {
    const { memory } = open();
    const store = memory.store();
    store.setSync('a', bytesOf(32));
    const inside = gate();
    const uses = Array.from({ length: 20 }, () =>
      store.use('a', async (secret) => {
        await inside.passed;
        return first(secret);
      }),
    );
    await sleep(1);
    expect(memory.stats().secrets).toBe(1);
    expect(store.stats()).toMatchObject({ open: 1, inUse: 1, misses: 1, hits: 19 });
    inside.pass();
    expect(await Promise.all(uses)).toEqual(Array(20).fill(1));
    expect(store.stats()).toMatchObject({ open: 1, inUse: 0 });
    expect(await store.use('a', first)).toBe(1);
    expect(store.stats()).toMatchObject({ misses: 1, hits: 20 });
  });

  it('callers that wait for the same secret wait in one place, each with its own signal and time', async () => {
    const { memory } = open(onePage(2));
    const store = memory.store();
    store.setSync('a', bytesOf(64));
    const holder = memory.allocateSync(PAGE);
    const controller = new AbortController();
    const opener = store.use('a', first, { signal: controller.signal });
    const patient = store.use('a', first);
    const hasty = expect(store.use('a', first, { waitMsMax: 1 })).rejects.toMatchObject({
      code: 'ERR_SECMEM_WAIT_TIMEOUT',
    });
    const other = new AbortController();
    const aborted = store.use('a', first, { signal: other.signal });
    await Promise.resolve();
    expect(memory.stats().admission.waiting).toBe(1);

    await hasty;
    other.abort(new Error('other'));
    await expect(aborted).rejects.toThrow('other');
    controller.abort(new Error('first'));
    await expect(opener).rejects.toThrow('first');
    await sleep(0);
    expect(memory.stats().admission.waiting).toBe(1);
    holder.dispose();

    expect(await patient).toBe(1);
    expect(store.stats()).toMatchObject({ open: 1, inUse: 0 });
  });

  it('a purge while several callers wait for a secret refuses each of them, and takes no place', async () => {
    const { memory } = open(onePage(2));
    const store = memory.store();
    store.setSync('a', bytesOf(64));
    memory.allocateSync(PAGE);
    const waiting = Array.from({ length: 3 }, () => store.use('a', first));
    memory.purge();
    for (const each of await Promise.allSettled(waiting)) {
      expect(each).toMatchObject({ reason: { code: 'ERR_SECMEM_UNSEAL_FAILED' } });
    }
    expect(memory.stats()).toMatchObject({ secrets: 0, admission: { waiting: 0 } });
    expect(store.stats()).toMatchObject({ open: 0, inUse: 0 });
  });

  it('unused slots are freed before anybody waits or is refused, the least recently used first', async () => {
    const { memory } = open(onePage(2));
    const store = memory.store();
    for (let i = 0; i < 60; i++) store.setSync(`s${i}`, bytesOf(64, i));
    for (let i = 0; i < 60; i++) expect(await store.use(`s${i}`, first)).toBe(i);

    expect(memory.stats().admission.waits).toBe(0);
    expect(store.stats()).toMatchObject({ open: 56, evictions: 4 });
    const { hits } = store.stats();
    await store.use('s59', first);
    expect(store.stats().hits).toBe(hits + 1);
    await store.use('s0', first);
    expect(store.stats().hits).toBe(hits + 1);

    const large = memory.allocateSync(PAGE);
    expect(large.byteLength).toBe(PAGE);
    expect(store.stats().open).toBe(0);
    expect(memory.stats().admission.waits).toBe(0);
  });

  it('a slot in use is not taken away: the request waits for it, and is served when it is done', async () => {
    const { memory } = open(onePage(2));
    const store = memory.store();
    store.setSync('a', bytesOf(32));
    const inside = gate();
    const using = store.use('a', async (secret) => {
      await inside.passed;
      return first(secret);
    });
    await sleep(0);
    const large = memory.allocate(PAGE);
    await sleep(0);
    expect(memory.stats().admission.waiting).toBe(1);
    inside.pass();
    expect(await using).toBe(1);
    // In the same turn, not when the queue is tried again.
    expect(memory.stats().admission.waiting).toBe(0);
    expect((await large).byteLength).toBe(PAGE);
    expect(store.stats().open).toBe(0);
  });

  it('hotMax bounds the unused ones, 0 keeps none, and hotMs ends them', async () => {
    const { memory } = open();
    const none = memory.store({ hotMax: 0 });
    const two = memory.store({ hotMax: 2, hotMs: 4 });
    for (const store of [none, two]) {
      for (let i = 0; i < 5; i++) store.setSync(`s${i}`, bytesOf(32, i));
      for (let i = 0; i < 5; i++) store.useSync(`s${i}`, first);
    }
    expect([none.stats().open, two.stats().open]).toEqual([0, 2]);
    await expect.poll(() => two.stats().open).toBe(0);
    expect(memory.stats().secrets).toBe(0);
  });

  it('a secret of a store cannot be written, resized, sealed, moved or disposed by its users', async () => {
    const { memory } = open();
    const store = memory.store();
    store.setSync('a', bytesOf(32));
    await store.use('a', async (secret) => {
      for (const misuse of [
        () => secret.write(() => {}),
        () => secret.lend({ mode: 'write' }),
        () => secret.copyFrom(bytesOf(1)),
        () => secret.resize(8),
        () => secret.seal(),
        () => secret.dispose(),
      ]) {
        expect(thrown(misuse).code).toBe('ERR_SECMEM_IN_USE');
      }
      await expect(store.set('b', secret)).rejects.toMatchObject({ code: 'ERR_SECMEM_IN_USE' });
      const lease = secret.lend();
      expect(lease.bytes[0]).toBe(1);
      lease.release();
    });
    expect(await store.use('a', first)).toBe(1);
  });

  it('a lease that outlives its use keeps the bytes until it is released, and the slot is not given up for others', async () => {
    const { memory } = open();
    const store = memory.store();
    store.setSync('a', bytesOf(32));
    const lease = await store.use('a', (secret) => secret.lend());
    store.delete('a');
    expect(lease.bytes[0]).toBe(1);
    lease.release();
    expect(memory.stats().secrets).toBe(0);
  });

  it('what fn throws is thrown, and the slot is free again; a promise in useSync() is refused', async () => {
    const { memory } = open();
    const store = memory.store();
    store.setSync('a', bytesOf(32));
    const fail = (): never => {
      throw new Error('mine');
    };
    await expect(store.use('a', fail)).rejects.toThrow('mine');
    await expect(store.use('a', async () => fail())).rejects.toThrow('mine');
    expect(() => store.useSync('a', fail)).toThrow('mine');
    expect(() => store.useSync('a', async () => {})).toThrow(TypeError);
    expect(store.stats()).toMatchObject({ open: 1, inUse: 0 });
  });
});

describe('a use that goes on for long', () => {
  it('is told of, once and with its names, when requests wait after half of the longest wait, and not before', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const told: unknown[] = [];
    const onMessage = (message: unknown): void => void told.push(message);
    subscribe('securemem:long-use', onMessage);
    onTestFinished(() => void unsubscribe('securemem:long-use', onMessage));
    const { memory } = open({ admission: { waitMsMax: 1_000 } });
    const store = memory.store();
    for (const name of ['a', 'b']) store.setSync(name, new Uint8Array(new ArrayBuffer(32)).fill(1));
    let leave = (): void => {};
    const using = store.useAll(['a', 'b', 'a'], () => {
      return new Promise<void>((resolve) => {
        leave = resolve;
      });
    });
    await turn();
    vi.advanceTimersByTime(600);
    expect(told).toEqual([]);
    const all = memory.allocate(14 * PAGE, { waitMsMax: 60_000 });
    const waiting = memory.allocate(14 * PAGE, { waitMsMax: 60_000 });
    await turn();
    vi.advanceTimersByTime(2_000);
    expect(told).toEqual([
      expect.objectContaining({ names: ['a', 'b'], waiting: expect.any(Number) }),
    ]);
    expect(memory.stats().events['long-use']).toBe(1);
    leave();
    await using;
    store.dispose();
    (await all).dispose();
    (await waiting).dispose();
    // A use that has ended is not told of, nor is one that returns no promise.
    vi.advanceTimersByTime(5_000);
    expect(told).toHaveLength(1);
  });
});
