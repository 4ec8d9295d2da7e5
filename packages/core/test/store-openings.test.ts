import { describe, expect, it, vi } from 'vitest';
import { ownershipOf } from '../src/allocations.js';
import type { Secret, SecretStore } from '../src/index.js';
import { open, PAGE, sleep, thrown, turn } from './fixture.js';

const filled = (byteLength: number, byte: number): Uint8Array =>
  new Uint8Array(new ArrayBuffer(byteLength)).fill(byte);
const first = (secret: Secret): number => secret.read((bytes) => bytes[0] as number);

/** A store with one entry, and every page that it does not need for its key in the hands of others. */
function full(pages = 1, options: Parameters<SecretStoreMaker>[0] = {}) {
  const { memory, kernel } = open({
    kernel: { lockLimit: { kind: 'bytes', byteLength: (pages + 1) * PAGE } },
  });
  const store = memory.store(options);
  store.setSync('a', filled(64, 1));
  const holders = Array.from({ length: pages }, () => memory.allocateSync(PAGE));
  return { memory, kernel, store, holders };
}
type SecretStoreMaker = (options?: { hotMax?: number }) => SecretStore;

describe('several callers that wait for one secret of a store', () => {
  it('share the slot that the first of them gets', async () => {
    const { memory, store, holders } = full();
    const seen: Secret[] = [];
    const uses = Array.from({ length: 3 }, () =>
      store.use('a', (secret) => {
        seen.push(secret);
        return first(secret);
      }),
    );
    await sleep(0);
    expect(memory.stats().admission.waiting).toBe(1);
    holders[0]?.dispose();
    expect(await Promise.all(uses)).toEqual([1, 1, 1]);
    expect(new Set(seen).size).toBe(1);
    expect(store.stats()).toMatchObject({ open: 1, inUse: 0 });
  });

  it('leave with the reason of their signal, at once if it was aborted before', async () => {
    const { store, holders } = full();
    const opener = store.use('a', first);
    const reason = new Error('too late');
    const late = store.use('a', first, { signal: AbortSignal.abort(reason) });
    await expect(late).rejects.toBe(reason);
    holders[0]?.dispose();
    expect(await opener).toBe(1);
    expect(store.stats().inUse).toBe(0);
  });

  it('leave when their time is over, and the opener goes on', async () => {
    const { store, holders } = full();
    const opener = store.use('a', first);
    await expect(store.use('a', first, { waitMsMax: 1 })).rejects.toMatchObject({
      code: 'ERR_SECMEM_WAIT_TIMEOUT',
    });
    holders[0]?.dispose();
    expect(await opener).toBe(1);
  });

  it('A5 go on in what is left of their own time when the first gives up', async () => {
    const { memory, store, holders } = full();
    const enqueue = vi.spyOn(ownershipOf(memory).places.admission, 'enqueue');
    const abort = new AbortController();
    const opener = store.use('a', first, { signal: abort.signal });
    const joiner = store.use('a', first, { waitMsMax: 1_000_000 });
    await sleep(50);
    abort.abort('enough');
    await expect(opener).rejects.toBe('enough');
    await sleep(0);
    expect(enqueue).toHaveBeenCalledTimes(2);
    holders[0]?.dispose();
    expect(await joiner).toBe(1);
    expect(enqueue.mock.calls[1]?.[1].waitMsMax).toBeLessThanOrEqual(1_000_000 - 40);
  });

  it('that leave in the turn in which the slot is there give it back', async () => {
    const { memory, store, holders } = full(1, { hotMax: 0 });
    const abort = new AbortController();
    const reason = new Error('in the last moment');
    let inUse = -1;
    const opener = store.use('a', (secret) => {
      abort.abort(reason);
      inUse = store.stats().inUse;
      return first(secret);
    });
    const other = store.use('a', first, { signal: abort.signal });
    const settled = Promise.allSettled([opener, other]);
    holders[0]?.dispose();
    await settled;
    expect(inUse).toBe(1);
    expect(store.stats()).toMatchObject({ open: 0, inUse: 0 });
    expect(memory.stats().secrets).toBe(0);
  });
});

describe('a use of a store that has its place', () => {
  it('takes the slot that somebody else opened in the same turn, and gives its place back', async () => {
    const { memory, store, holders } = full(2);
    const waiting = store.use('a', first);
    await sleep(0);
    for (const holder of holders) holder.dispose();
    expect(store.useSync('a', first)).toBe(1);
    expect(await waiting).toBe(1);
    expect(store.stats()).toMatchObject({ open: 1, inUse: 0, entries: 1 });
    expect(memory.stats().secrets).toBe(1);
  });

  it.each([
    ['another length', (store: SecretStore) => store.setSync('a', filled(128, 2)), 2],
    ['the same length', (store: SecretStore) => store.setSync('a', filled(64, 3)), 3],
  ])('opens what was set in the same turn, of %s', async (_, change, value) => {
    const { store, holders } = full(2);
    const waiting = store.use('a', first);
    await sleep(0);
    for (const holder of holders) holder.dispose();
    change(store);
    expect(await waiting).toBe(value);
    expect(store.stats().inUse).toBe(0);
  });

  it('finds nothing that was deleted in the same turn, and gives its place back', async () => {
    const { memory, store, holders } = full();
    const refused = expect(store.use('a', first)).rejects.toMatchObject({
      code: 'ERR_SECMEM_DISPOSED',
    });
    await sleep(0);
    holders[0]?.dispose();
    store.delete('a');
    await refused;
    expect(memory.stats().secrets).toBe(0);
  });

  it('opens an entry anew whose slot went into quarantine with an escaped view', () => {
    const { memory, kernel } = open();
    const store = memory.store();
    store.setSync('a', filled(64, 7));
    const escaped = thrown(() =>
      store.useSync('a', (secret) => {
        kernel.nextViewOutcome('escaped');
        return first(secret);
      }),
    );
    expect(escaped).toMatchObject({ code: 'ERR_SECMEM_VIEW_ESCAPED' });
    expect(store.useSync('a', first)).toBe(7);
    expect(memory.stats().quarantine.slots).toBe(1);
    kernel.releaseAliases();
  });

  it('opens an entry under a name of any length', () => {
    const { memory } = open();
    const store = memory.store();
    const names = [1, 100, 10_000].map((length) => 'ä'.repeat(length));
    for (const [index, name] of names.entries()) store.setSync(name, filled(32, index + 1));
    expect(names.map((name) => store.useSync(name, first))).toEqual([1, 2, 3]);
    expect([...store.keys()]).toEqual(names);
  });
});

describe('a caller that comes between the grant and the next microtask', () => {
  /** The moment in which the opener has its slot and does not know it yet. */
  async function granted() {
    const { memory, store, holders } = full(1, { hotMax: 0 });
    let release = (): void => {};
    const kept = new Promise<void>((resolve) => {
      release = resolve;
    });
    const opener = store.use('a', async (secret) => {
      const before = first(secret);
      await kept;
      return [before, secret.disposed ? 'gone' : first(secret)];
    });
    await turn();
    expect(memory.stats().admission.waiting).toBe(1);
    holders[0]?.dispose();
    return { memory, store, opener, release };
  }

  for (let microtasks = 0; microtasks < 8; microtasks++) {
    it(`C2 sees the new value, and takes nothing from the opener, ${microtasks} microtasks after the grant`, async () => {
      const { store, opener, release } = await granted();
      for (let i = 0; i < microtasks; i++) await null;
      store.setSync('a', filled(64, 2), { onCapacity: 'throw' });
      const second = store.use('a', first);
      expect(await second).toBe(2);
      release();
      const [before, after] = await opener;
      expect(after).toBe(before);
      await turn();
      expect(store.stats()).toMatchObject({ open: 0, inUse: 0 });
    });

    it(`C2 is told that a name is gone, ${microtasks} microtasks after the grant`, async () => {
      const { store, opener, release } = await granted();
      for (let i = 0; i < microtasks; i++) await null;
      store.delete('a');
      await expect(store.use('a', first)).rejects.toMatchObject({ code: 'ERR_SECMEM_DISPOSED' });
      release();
      // Before it was opened the deletion came first; after that the opener goes on with what it has.
      const end = await opener.catch((error: { code: string }) => error.code);
      expect([[1, 1], 'ERR_SECMEM_DISPOSED']).toContainEqual(end);
      expect(store.stats()).toMatchObject({ open: 0, inUse: 0 });
    });

    it(`C2 leaves with an aborted signal and ends nothing, ${microtasks} microtasks after the grant`, async () => {
      const { store, opener, release } = await granted();
      for (let i = 0; i < microtasks; i++) await null;
      const reason = new Error('aborted before');
      await expect(store.use('a', first, { signal: AbortSignal.abort(reason) })).rejects.toBe(
        reason,
      );
      release();
      expect(await opener).toEqual([1, 1]);
      expect(store.stats()).toMatchObject({ open: 0, inUse: 0 });
    });
  }
});
