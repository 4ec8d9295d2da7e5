import { describe, expect, it } from 'vitest';
import { type AllocatorOptions, hmac, type Secret, type SecretStore } from '../src/index.js';
import { ownershipOf } from '../src/lifetime/allocations.js';
import { SealedEntries } from '../src/sealed/sealed-entries.js';
import { storeInternals } from '../src/sealed/secret-store.js';
import { internals } from '../src/secret/secret.js';
import { type FixtureOptions, open, PAGE, sleep, thrown } from './fixture.js';

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

describe.each([
  ['in place', {}],
  ['without views', { views: 'none' }],
  ['by node:crypto', { cipher: 'none' }],
] as const)('a store with a cipher %s', (_, capabilities) => {
  it('set() wipes bytes and disposes secrets; use() gives what was set last; delete() and clear() remove', async () => {
    const { memory } = open({ capabilities });
    const store = memory.store();
    const source = bytesOf(32);
    await store.set('a', source);
    const secret = memory.adoptSync(bytesOf(64, 5));
    store.setSync('b', secret);
    await store.set('c', bytesOf(3_000, 7));

    expect(source.every((byte) => byte === 0)).toBe(true);
    expect(secret.disposed).toBe(true);
    expect([store.size, [...store.keys()], [...store]]).toEqual([
      3,
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ]);
    expect(await store.use('a', (key) => hmac('sha256', key, 'x'))).toHaveLength(32);
    expect(await store.use('b', async (key) => key.exportCopy())).toEqual(bytesOf(64, 5));
    expect(store.useSync('c', (key) => key.byteLength)).toBe(3_000);

    await store.set('a', bytesOf(16, 9));
    expect(store.useSync('a', (key) => key.exportCopy())).toEqual(bytesOf(16, 9));
    expect([store.delete('a'), store.delete('a'), store.has('a'), store.has('b')]).toEqual([
      true,
      false,
      false,
      true,
    ]);
    store.clear();
    expect([store.size, store.has('b')]).toEqual([0, false]);
    await expect(store.use('b', first)).rejects.toMatchObject({ code: 'ERR_SECMEM_DISPOSED' });
    expect(memory.stats().secrets).toBe(0);
  });

  it('use() refuses what was changed in ordinary memory, swapped with another entry, or is older', async () => {
    const { memory } = open({ capabilities });
    const store = memory.store({ hotMax: 0 });
    store.setSync('a', bytesOf(64, 1));
    store.setSync('b', bytesOf(64, 2));
    const a = storeInternals.bytesOf(store, 'a');
    const b = storeInternals.bytesOf(store, 'b');
    const [oldA, oldB] = [a.slice(), b.slice()];
    const refused = (name: string): Promise<void> =>
      expect(store.use(name, first)).rejects.toMatchObject({ code: 'ERR_SECMEM_UNSEAL_FAILED' });

    a.set(oldB);
    b.set(oldA);
    await refused('a');
    await refused('b');
    a.set(oldA);
    b.set(oldB);
    expect([await store.use('a', first), await store.use('b', first)]).toEqual([1, 2]);
    store.setSync('a', bytesOf(64, 3));
    storeInternals.bytesOf(store, 'a').set(oldA);
    await refused('a');
    (b[79] as number) ^= 128;
    await refused('b');
    expect(memory.stats().secrets).toBe(0);
  });

  it('an entry does not open under the name of another, even if all notes on it were changed', () => {
    const { memory } = open({ capabilities });
    const { engine } = ownershipOf(memory);
    const entries = new SealedEntries(engine, 10);
    const secret = memory.adoptSync(bytesOf(64, 1));
    const place = internals.placeOf(secret);
    const id = entries.seal('a', place);
    expect(thrown(() => entries.unseal(id, 'b', place)).code).toBe('ERR_SECMEM_UNSEAL_FAILED');
    expect(first(secret)).toBe(0);
    expect(thrown(() => entries.unseal(id, '', place)).code).toBe('ERR_SECMEM_UNSEAL_FAILED');
    const others = new SealedEntries(engine, 10);
    const other = others.seal('a', place);
    others.bytesOf(other).set(entries.bytesOf(id));
    expect(thrown(() => others.unseal(other, 'a', place)).code).toBe('ERR_SECMEM_UNSEAL_FAILED');
    entries.unseal(id, 'a', place);
    expect(first(secret)).toBe(1);
  });

  it('purge() leaves the names and opens nothing any more; what is set later opens', async () => {
    const { memory } = open({ capabilities });
    const store = memory.store();
    for (const name of ['a', 'b', 'c']) store.setSync(name, bytesOf(32));
    expect(store.useSync('a', first)).toBe(1);
    const inside = gate();
    const using = store.use('b', async (secret) => {
      await inside.passed;
      return secret.disposed;
    });

    memory.purge();

    inside.pass();
    expect(await using).toBe(true);
    expect(store.size).toBe(3);
    for (const name of ['a', 'b', 'c']) {
      await expect(store.use(name, first)).rejects.toMatchObject({
        code: 'ERR_SECMEM_UNSEAL_FAILED',
      });
    }
    store.setSync('a', bytesOf(32, 4));
    expect(await store.use('a', first)).toBe(4);
    expect(store.delete('b')).toBe(true);
    expect(store.stats()).toMatchObject({ entries: 2, inUse: 0 });
  });
});

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

describe('one name, several callers', () => {
  it('set() and delete() do not wait for a use, which goes on with the value it began with', async () => {
    const { memory } = open();
    const store = memory.store();
    store.setSync('a', bytesOf(32, 1));
    const inside = gate();
    const old = store.use('a', async (secret) => {
      const before = first(secret);
      await inside.passed;
      return [before, first(secret)];
    });
    await sleep(0);
    await store.set('a', bytesOf(32, 2));
    expect(await store.use('a', first)).toBe(2);
    expect(store.delete('a')).toBe(true);
    await expect(store.use('a', first)).rejects.toMatchObject({ code: 'ERR_SECMEM_DISPOSED' });
    inside.pass();
    expect(await old).toEqual([1, 1]);
    expect(memory.stats().secrets).toBe(0);
  });

  it('a use that waits for its place opens what is there then: another value, another length, or nothing', async () => {
    const { memory } = open(onePage(2));
    const store = memory.store();
    for (const name of ['same', 'longer', 'gone']) store.setSync(name, bytesOf(64, 1));
    const values = [bytesOf(64, 2), bytesOf(128, 3)];
    const spare = [memory.adoptSync(values[0] as Uint8Array)];
    spare[0]?.dispose();
    const holder = memory.allocateSync(PAGE);
    const uses = ['same', 'longer', 'gone'].map((name) =>
      store.use(name, (secret) => [secret.byteLength, first(secret)]),
    );
    const outcome = Promise.allSettled(uses);
    await sleep(0);
    store.delete('gone');
    holder.dispose();
    const settled = await outcome;
    expect(settled.map((each) => each.status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(settled[2]).toMatchObject({ reason: { code: 'ERR_SECMEM_DISPOSED' } });
    expect(memory.stats().admission.waiting).toBe(0);
  });

  it('ttlMs ends an entry, by the clock even when the timer is late, and a later set() withdraws it', async () => {
    const { memory } = open();
    const store = memory.store();
    store.setSync('short', bytesOf(32), { ttlMs: 1 });
    store.setSync('kept', bytesOf(32), { ttlMs: 1 });
    store.setSync('kept', bytesOf(32));
    store.setSync('long', bytesOf(32), { ttlMs: 1_000_000 });
    const until = performance.now() + 3;
    while (performance.now() < until);
    expect([...store.keys()]).toEqual(['kept', 'long']);
    expect(store.has('short')).toBe(false);
    expect(store.stats().expirations).toBe(1);
    for (let i = 0; i < 3_000; i++) {
      store.setSync(`t${i}`, bytesOf(8), { ttlMs: 1 + ((i * 7) % 20) });
    }
    for (let i = 0; i < 500; i++) store.setSync('t0', bytesOf(8), { ttlMs: 5 });
    await expect.poll(() => store.size, { timeout: 5_000 }).toBe(2);
    expect(memory.stats().sealing.keys).toBe(1);
  });
});

describe('a bulk load', () => {
  function* numbered(count: number, byteLength = 64): Generator<[string, Uint8Array]> {
    for (let i = 0; i < count; i++) yield [`n${i}`, bytesOf(byteLength, i)];
  }

  it('load() takes iterables and async iterables, reports progress, and the later of two wins', async () => {
    const { memory } = open(onePage(3));
    const store = memory.store();
    const progress: number[] = [];
    const loaded = await store.load(numbered(3_000), {
      onProgress: ({ entries }) => progress.push(entries),
    });
    expect([loaded, store.size, progress]).toEqual([3_000, 3_000, [1_024, 2_048, 3_000]]);
    async function* more(): AsyncGenerator<[string, Uint8Array | Secret]> {
      yield ['x', bytesOf(8, 1)];
      yield ['x', bytesOf(16, 2)];
      yield ['y', memory.adoptSync(bytesOf(24, 3))];
    }
    expect(await store.load(more())).toBe(2);
    expect([await store.use('x', first), await store.use('n77', first)]).toEqual([2, 77]);
    expect(store.useSync('y', (secret) => secret.byteLength)).toBe(24);
    expect(memory.stats().secrets).toBeLessThanOrEqual(64);
  });

  it('load() that fails, is aborted, purged, cleared or outlived leaves the store as it was', async () => {
    const breakers: [
      string,
      (memory: ReturnType<typeof open>['memory'], at: SecretStore) => void,
    ][] = [
      [
        'throw',
        () => {
          throw new Error('source');
        },
      ],
      ['purge', (memory) => memory.purge()],
      ['dispose', (_, store) => store.dispose()],
    ];
    for (const [what, act] of breakers) {
      const { memory } = open();
      const store = memory.store();
      store.setSync('n5', bytesOf(32, 200));
      const entries = memory.stats().sealing;
      const broken = function* (): Generator<[string, Uint8Array]> {
        yield* numbered(1_500);
        act(memory, store);
        yield* numbered(1_500);
      };
      await expect(store.load(broken()), what).rejects.toThrow();
      expect(store.size, what).toBe(what === 'dispose' ? 0 : 1);
      if (what === 'throw') expect(await store.use('n5', first)).toBe(200);
      expect(memory.stats().secrets).toBeLessThanOrEqual(1);
      expect(store.stats().ordinaryByteLength, what).toBeLessThan(40_000);
      expect(memory.stats().sealing.keys).toBeLessThanOrEqual(entries.keys);
    }
    const { memory } = open();
    const store = memory.store();
    const controller = new AbortController();
    const loading = store.load(numbered(5_000), {
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    });
    await expect(loading).rejects.toThrow('enough');
    expect([store.size, store.stats().entries]).toEqual([0, 0]);
    await expect(store.load([['a', 'text' as never]])).rejects.toThrow(TypeError);
    await expect(store.load([[1 as never, bytesOf(1)]])).rejects.toThrow(TypeError);
    const kept = store.load(numbered(2_000), { onProgress: () => store.clear() });
    expect(await kept).toBe(2_000);
    expect(store.size).toBe(2_000);
  });
});

describe('what a store takes', () => {
  it('ordinary memory goes back as entries go, in whatever order they do', () => {
    const { memory } = open();
    const store = memory.store();
    const count = 20_000;
    for (let i = 0; i < count; i++) store.setSync(`s${i}`, bytesOf(64, i));
    const full = store.stats().ordinaryByteLength;
    expect(full / count).toBeLessThan(120);
    for (let i = 0; i < count; i++) if (i % 20 !== 7) store.delete(`s${i}`);
    expect(store.stats().ordinaryByteLength).toBeLessThan(full / 3);
    for (let i = 7; i < count; i += 20) expect(store.useSync(`s${i}`, first)).toBe(i & 255);
    store.clear();
    expect(store.stats().ordinaryByteLength).toBeLessThan(10_000);
  });

  it('behaves like a Map through 30,000 random steps over lengths of every class', () => {
    const { memory } = open({ kernel: { lockLimit: { kind: 'bytes', byteLength: 1 << 20 } } });
    const store = memory.store({ hotMax: 8 });
    const model = new Map<string, number>();
    const lengths = [1, 15, 16, 17, 64, 1_000, 1_008, 1_009, 1_024, 1_100, 2_048, 5_000, 300_000];
    let seed = 42;
    const random = (n: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % n;
    };
    for (let step = 0; step < 30_000; step++) {
      const name = `k${random(300)}`;
      const what = random(100);
      if (what < 40) {
        const length = lengths[random(step % 500 === 0 ? 13 : 11)] as number;
        const mark = random(256);
        const bytes = new Uint8Array(new ArrayBuffer(length));
        bytes[length - 1] = mark;
        store.setSync(name, bytes);
        model.set(name, length * 256 + mark);
      } else if (what < 70) {
        expect(store.delete(name)).toBe(model.delete(name));
      } else if (model.has(name)) {
        const seen = store.useSync(name, (secret) =>
          secret.read((bytes) => bytes.length * 256 + (bytes[bytes.length - 1] as number)),
        );
        expect(seen).toBe(model.get(name));
      } else expect(store.has(name)).toBe(false);
      if (what === 99 && random(20) === 0) {
        store.clear();
        model.clear();
      }
    }
    expect([...store.keys()].sort()).toEqual([...model.keys()].sort());
    expect(memory.verify().ok).toBe(true);
  });

  it('entriesMax holds at the maximum and one past it, and replacing works at the maximum', async () => {
    const { memory } = open();
    const store = memory.store({ entriesMax: 3 });
    for (const name of ['a', 'b', 'c']) store.setSync(name, bytesOf(8));
    const source = bytesOf(8);
    await expect(store.set('d', source)).rejects.toMatchObject({
      code: 'ERR_SECMEM_SECRETS_LIMIT',
    });
    expect(source[0]).toBe(1);
    store.setSync('c', bytesOf(8, 9));
    expect(store.useSync('c', first)).toBe(9);
    await expect(store.load([['e', bytesOf(8)]])).rejects.toMatchObject({
      code: 'ERR_SECMEM_SECRETS_LIMIT',
    });
    store.delete('a');
    store.setSync('d', bytesOf(8));
    expect(store.size).toBe(3);
  });

  it('bad options and arguments are refused before anything changes', async () => {
    const { memory, kernel } = open();
    for (const [options, error] of [
      [{ hotMax: -1 }, RangeError],
      [{ hotMax: 65_537 }, RangeError],
      [{ hotMs: 1 }, RangeError],
      [{ entriesMax: 16_777_216 }, RangeError],
      [{ cold: 1 }, TypeError],
      [null, TypeError],
    ] as const) {
      expect(() => memory.store(options as never)).toThrow(error);
    }
    expect(kernel.regionCount).toBe(0);
    const store = memory.store();
    await expect(store.set(1 as never, bytesOf(1))).rejects.toThrow(TypeError);
    await expect(store.set('a', 'text' as never)).rejects.toThrow(TypeError);
    await expect(store.set('a', bytesOf(1), { ttlMs: 0 })).rejects.toThrow(RangeError);
    await expect(store.use('a', 1 as never)).rejects.toThrow(TypeError);
    expect(() => store.setSync('a', new Uint8Array(0))).toThrow(RangeError);
    expect(store.size).toBe(0);
  });

  it('store() maps the key or throws with nothing changed; dispose() and close() end it', async () => {
    const options: AllocatorOptions['budget'] = { lockedByteLengthMax: PAGE };
    const { memory, kernel } = open({ budget: options, idleMs: 2 });
    const full = memory.allocateSync(PAGE);
    expect(thrown(() => memory.store()).code).toBe('ERR_SECMEM_LOCK_LIMIT');
    expect(kernel.lockedByteLength).toBe(PAGE);
    full.dispose();
    const store = memory.store();
    expect(kernel.lockedByteLength).toBe(PAGE);
    store.dispose();
    store.dispose();
    await expect(store.set('a', bytesOf(1))).rejects.toMatchObject({ code: 'ERR_SECMEM_DISPOSED' });
    await expect.poll(() => kernel.lockedByteLength).toBe(0);
    const last = memory.store();
    await memory.close();
    await expect(last.use('a', first)).rejects.toMatchObject({ code: 'ERR_SECMEM_CLOSED' });
  });

  it('M9 a fault at each step of set() and use() throws, and leaves no place, no entry and the source as it was', async () => {
    for (const operation of ['map', 'openView', 'seal', 'unseal', 'protect'] as const) {
      const { memory, kernel, backend } = open({ atRest: 'no-access', onCapacity: 'throw' });
      const store = memory.store({ hotMax: 0 });
      store.setSync('old', bytesOf(64, 3));
      for (let on = 1; on <= 4; on++) {
        const source = bytesOf(2_500, on);
        backend.fail(operation, { on });
        const failed = await store.set('new', source).then(
          () => false,
          () => true,
        );
        backend.heal();
        expect(store.has('new')).toBe(!failed);
        expect(source[0]).toBe(failed ? on : 0);
        store.delete('new');
        backend.fail(operation, { on });
        await store.use('old', first).catch(() => {});
        backend.heal();
        expect(memory.stats().secrets).toBe(0);
        expect(await store.use('old', first)).toBe(3);
      }
      expect(kernel.violations).toEqual([]);
    }
  });
});
