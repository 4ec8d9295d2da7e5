import { describe, expect, it } from 'vitest';
import type { AllocatorOptions, Secret } from '../src/index.js';
import { open, PAGE, thrown } from './fixture.js';

const bytesOf = (n: number, first = 1): Uint8Array => {
  const bytes = new Uint8Array(new ArrayBuffer(n));
  for (let i = 0; i < n; i++) bytes[i] = first + i;
  return bytes;
};
const first = (secret: Secret): number => secret.read((bytes) => bytes[0] as number);

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
