import { describe, expect, it } from 'vitest';
import type { Secret, SecretStore } from '../src/index.js';
import { type FixtureOptions, open, PAGE } from './fixture.js';

const bytesOf = (n: number, first = 1): Uint8Array => {
  const bytes = new Uint8Array(new ArrayBuffer(n));
  for (let i = 0; i < n; i++) bytes[i] = first + i;
  return bytes;
};
const first = (secret: Secret): number => secret.read((bytes) => bytes[0] as number);

const onePage = (pages: number): FixtureOptions => ({
  kernel: { lockLimit: { kind: 'bytes', byteLength: pages * PAGE } },
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
