import { describe, expect, it } from 'vitest';
import { ownershipOf } from '../src/allocations.js';
import { hmac, type Secret } from '../src/index.js';
import { placeOf } from '../src/secret/secret.js';
import { SealedEntries } from '../src/store/sealed-entries.js';
import { type FixtureOptions, open, PAGE, sleep, thrown } from './fixture.js';
import { type Ciphertext, openInstead, watchCiphertexts } from './ordinary-memory.js';

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

  it('SEC8 use() refuses what was changed in ordinary memory, swapped with another entry, or is older', async () => {
    const { memory } = open({ capabilities });
    const store = memory.store({ hotMax: 0 });
    const ciphertexts = watchCiphertexts();
    store.setSync('a', bytesOf(64, 1));
    store.setSync('b', bytesOf(64, 2));
    const [{ bytes: a }, { bytes: b }] = ciphertexts as [Ciphertext, Ciphertext];
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
    // The new entry has moved to where the one before it lay.
    a.set(oldA);
    await refused('a');
    (b[79] as number) ^= 128;
    await refused('b');
    expect(memory.stats().secrets).toBe(0);
  });

  it('SEC8 an older ciphertext opens for whoever puts back the number of its seal too, as long as that key is there', () => {
    const { memory } = open({ capabilities });
    const ciphertexts = watchCiphertexts();
    const before = memory.adoptSync(bytesOf(64, 1)).seal();
    const [{ bytes, counter }] = ciphertexts as [Ciphertext];
    const older = bytes.slice();
    before.dispose();
    const now = memory.adoptSync(bytesOf(64, 3)).seal();
    openInstead(memory, counter, older);
    memory.purge();
    expect(thrown(() => openInstead(memory, counter, older)).code).toBe('ERR_SECMEM_UNSEAL_FAILED');
    now.dispose();
  });

  it('an entry does not open under the name of another, even if all notes on it were changed', () => {
    const { memory } = open({ capabilities });
    const { sealingKey } = ownershipOf(memory);
    const ciphertexts = watchCiphertexts();
    const entries = new SealedEntries(sealingKey, 10);
    const secret = memory.adoptSync(bytesOf(64, 1));
    const place = placeOf(secret);
    const id = entries.seal('a', place);
    expect(thrown(() => entries.unseal(id, 'b', place)).code).toBe('ERR_SECMEM_UNSEAL_FAILED');
    expect(first(secret)).toBe(0);
    expect(thrown(() => entries.unseal(id, '', place)).code).toBe('ERR_SECMEM_UNSEAL_FAILED');
    const others = new SealedEntries(sealingKey, 10);
    const other = others.seal('a', place);
    const [sealed, othersSealed] = ciphertexts as [Ciphertext, Ciphertext];
    othersSealed.bytes.set(sealed.bytes);
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
    // One more where the machine stood still between the two values of `kept`.
    expect(store.stats().expirations).toBeGreaterThanOrEqual(1);
    expect(store.stats().expirations).toBeLessThanOrEqual(2);
    for (let i = 0; i < 3_000; i++) {
      store.setSync(`t${i}`, bytesOf(8), { ttlMs: 1 + ((i * 7) % 20) });
    }
    for (let i = 0; i < 500; i++) store.setSync('t0', bytesOf(8), { ttlMs: 5 });
    await expect.poll(() => store.size, { timeout: 5_000 }).toBe(2);
    expect(memory.stats().sealing.keys).toBe(1);
  });
});
