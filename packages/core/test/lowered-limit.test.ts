import { describe, expect, it } from 'vitest';
import type { Secret } from '../src/index.js';
import { open, PAGE, thrown } from './fixture.js';

const bytes = (byteLength: number) => ({ kind: 'bytes' as const, byteLength });
const limitOf = (byteLength: number) => ({ kernel: { lockLimit: bytes(byteLength) } });

/** Fills one page with secrets of 32 bytes. */
function fillPage(memory: { allocateSync(byteLength: number): Secret }): Secret[] {
  return Array.from({ length: 102 }, () => memory.allocateSync(32));
}

describe('under a limit that was lowered below what is held', () => {
  it.each([0, 2048, PAGE - 1])(
    'C3 a request waits for a slot of a full page, limit %i, and gets it',
    async (limit) => {
      const { memory, kernel } = open(limitOf(PAGE));
      const held = fillPage(memory);
      kernel.setLockLimit(bytes(limit));
      const waiting = memory.allocate(32);
      expect(memory.stats().admission.waiting).toBe(1);
      held[7]?.dispose();
      expect((await waiting).byteLength).toBe(32);
      expect(memory.stats()).toMatchObject({ secrets: 102, admission: { waiting: 0 } });
    },
  );

  it('C3 whoever waits already is not thrown out by the next look at the limit', async () => {
    const { memory, kernel } = open(limitOf(PAGE));
    const held = fillPage(memory);
    const waiting = memory.allocate(32);
    kernel.setLockLimit(bytes(0));
    // Looks again, as the clock does, and as every release does.
    held[0]?.dispose();
    (await waiting).dispose();
    const next = memory.allocate(32);
    await next;
    const last = memory.allocate(32);
    const retries = kernel.calls.lockLimit;
    while (kernel.calls.lockLimit === retries) await new Promise((go) => setTimeout(go, 5));
    expect(memory.stats().admission.waiting).toBe(1);
    held[1]?.dispose();
    await last;
  });

  it('C3 a secret with a region of its own waits for one of its length', async () => {
    const { memory, kernel } = open({ ...limitOf(4 * PAGE), routing: { pooledByteLengthMax: 0 } });
    const held = memory.allocateAllSync([2 * PAGE - 100, 32]);
    kernel.setLockLimit(bytes(0));
    const waiting = memory.allocate(2 * PAGE - 200);
    held[0]?.dispose();
    expect((await waiting).byteLength).toBe(2 * PAGE - 200);
    await expect(memory.allocate(3 * PAGE)).rejects.toMatchObject({ kind: 'capacity' });
    expect(memory.stats().admission.waiting).toBe(0);
  });

  it('C3 a page that runs empty is cut anew for whoever needs another size', async () => {
    const { memory, kernel } = open(limitOf(PAGE));
    const held = fillPage(memory);
    kernel.setLockLimit(bytes(0));
    const waiting = memory.allocate(300);
    for (const secret of held) secret.dispose();
    expect((await waiting).byteLength).toBe(300);
  });

  it('C3 a set waits while it fits into what is held, and is refused at once when it does not', async () => {
    const { memory, kernel } = open(limitOf(PAGE));
    const held = fillPage(memory);
    kernel.setLockLimit(bytes(2048));
    const set = memory.allocateAll(Array(102).fill(32));
    await expect(memory.allocateAll(Array(103).fill(32))).rejects.toMatchObject({
      code: 'ERR_SECMEM_TOO_LARGE',
    });
    await expect(memory.allocate(PAGE)).rejects.toMatchObject({ code: 'ERR_SECMEM_TOO_LARGE' });
    for (const secret of held) secret.dispose();
    expect(await set).toHaveLength(102);
  });

  it('C3 a synchronous call is not told that it never fits', () => {
    const { memory, kernel } = open(limitOf(PAGE));
    const held = fillPage(memory);
    for (const limit of [0, 2048]) {
      kernel.setLockLimit(bytes(limit));
      expect(thrown(() => memory.allocateSync(32)).code).toBe('ERR_SECMEM_LOCK_LIMIT');
      held.pop()?.dispose();
      held.push(memory.allocateSync(32));
    }
  });

  it('C3 a secret of a store that nobody uses makes way', async () => {
    const { memory, kernel } = open(limitOf(2 * PAGE));
    const store = memory.store();
    store.setSync('a', new Uint8Array(new ArrayBuffer(32)));
    store.useSync('a', () => {});
    const held = Array.from({ length: 101 }, () => memory.allocateSync(32));
    kernel.setLockLimit(bytes(0));
    const secret = await memory.allocate(32);
    expect(store.stats()).toMatchObject({ open: 0, evictions: 1 });
    expect(memory.stats().admission.waits).toBe(0);
    for (const one of [secret, ...held]) one.dispose();
  });

  it('C3 a slot that is out of use is nothing to wait for', async () => {
    const { memory, kernel, backend } = open(limitOf(PAGE));
    const held = [1, 2, 3, 4].map(() => memory.allocateSync(1000));
    expect(thrown(() => memory.allocateSync(1000)).code).toBe('ERR_SECMEM_LOCK_LIMIT');
    backend.failViewClose({ outcome: 'escaped', times: held.length });
    for (const one of held) expect(() => one.read(() => {})).toThrow();
    kernel.setLockLimit(bytes(0));
    await expect(memory.allocate(1000)).rejects.toMatchObject({ kind: 'capacity' });
    expect(memory.stats().admission.waits).toBe(0);
  });
});
