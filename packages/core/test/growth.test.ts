import { describe, expect, it } from 'vitest';
import type { Secret } from '../src/index.js';
import { contentOf, FILL, open, PAGE, thrown, turn } from './fixture.js';

const bytes = (byteLength: number) => ({ kind: 'bytes' as const, byteLength });

describe('routing by size', () => {
  it.each([
    [4095, 'pooled'],
    [4096, 'pooled'],
    [4097, 'own'],
  ])('Z1 with the boundary at 4096 a secret of %i bytes is %s', (byteLength, route) => {
    const { memory } = open({ routing: { pooledByteLengthMax: 4096 } });
    const secret = memory.allocateSync(byteLength);
    expect(secret.receipt.route).toBe(route);
    expect(memory.stats().primary.routes[route as 'own']).toEqual({ secrets: 1, byteLength });
  });

  it('Z1 a boundary of 0 gives each secret its own region; the largest allowed pools up to a whole slab', () => {
    const each = open({ routing: { pooledByteLengthMax: 0 } });
    expect(each.memory.allocateSync(1).receipt.route).toBe('own');
    const largest = { slabByteLengthMax: 4 * PAGE, pooledByteLengthMax: 4 * PAGE - 16 };
    const { memory } = open({ routing: largest });
    expect(memory.allocateSync(4 * PAGE - 16).receipt.route).toBe('pooled');
    const past = { ...largest, pooledByteLengthMax: 4 * PAGE - 15 };
    expect(() => open({ routing: past })).toThrow(RangeError);
  });

  it('Z9 what does not fit is visible: counts and bytes per route are exact', () => {
    const { memory } = open({ onCapacity: 'throw' });
    let secrets = 0;
    const refused = thrown(() => {
      for (;;) {
        memory.allocateSync(100);
        secrets++;
      }
    });
    expect(refused.code).toBe('ERR_SECMEM_LOCK_LIMIT');
    expect(memory.stats().primary.routes.pooled).toEqual({ secrets, byteLength: secrets * 100 });
  });
});

describe('growth of slabs', () => {
  it('M1 1,000 secrets of 64 bytes lock at most 128 KiB', () => {
    const { memory, kernel } = open({ kernel: { lockLimit: bytes(1_048_576) } });
    for (let i = 0; i < 1_000; i++) memory.allocateSync(64);
    expect(kernel.lockedByteLength).toBeLessThanOrEqual(131_072);
  });

  it('a class starts with one page and doubles, up to 16 pages where a protection is toggled', () => {
    const { memory } = open({ atRest: 'no-access', kernel: { lockLimit: bytes(2 ** 24) } });
    for (let i = 0; i < 20_000; i++) memory.allocateSync(64);
    const pages = memory.stats().primary.slabs.map((slab) => slab.byteLength / PAGE);
    expect(pages.slice(0, 6)).toEqual([1, 2, 4, 8, 16, 16]);
    expect(Math.max(...pages)).toBe(16);
  });

  it('a refused growth is tried again at one page before anybody waits', () => {
    const { memory, kernel } = open();
    const count = (PAGE - 8 - ((PAGE - 8) % 72)) / 72;
    for (let i = 0; i < count; i++) memory.allocateSync(64);
    kernel.lockForeign(65_536 - 2 * PAGE);
    memory.allocateSync(64);
    expect(kernel.lockedByteLength).toBe(65_536);
    expect(memory.stats().primary.mappedByteLength).toBe(2 * PAGE);
  });

  it('an empty slab is cut anew for whatever is needed next, wiped', () => {
    const { memory, kernel } = open({ kernel: { lockLimit: bytes(PAGE) } });
    const first = memory.allocateSync(64);
    first.write((b) => b.fill(0xdd));
    first.dispose();
    const second = memory.allocateSync(1000);
    expect(second.read((b) => b.every((byte) => byte === 0))).toBe(true);
    expect(kernel.calls.map).toBe(1);
    second.dispose();
    memory.allocateSync(PAGE).dispose();
    expect(kernel.lockedByteLength).toBe(PAGE);
  });
});

describe.each(['revocable', 'none'] as const)('resize() with views %s', (views) => {
  const opened = (options: Parameters<typeof open>[0] = {}) =>
    open({ ...options, capabilities: { views } });
  const fill = (secret: Secret): void => secret.write((b) => void b.fill(FILL));

  it.each([
    [100, 110],
    [100, 2000],
    [100, 8192],
    [8192, 16],
    [8192, 16_384],
    [8192, 4097],
    [2048, 2049],
    [2049, 2048],
    [16, 16],
  ])(
    'Z3 from %i to %i bytes keeps the content and the receipt, and the old place reads zero',
    (from, to) => {
      const { memory, kernel } = opened();
      const secret = memory.allocateSync(from);
      fill(secret);
      const { backend, locked } = secret.receipt;
      secret.resize(to);
      expect(secret.byteLength).toBe(to);
      const kept = Math.min(from, to);
      secret.read((b) => {
        expect(b.length).toBe(to);
        expect(b.subarray(0, kept).every((byte) => byte === FILL)).toBe(true);
        expect(b.subarray(kept).every((byte) => byte === 0)).toBe(true);
      });
      expect(secret.receipt).toMatchObject({ backend, locked });
      expect(contentOf(kernel)).toBe(kept);
      expect(memory.verify().ok).toBe(true);
      expect(memory.stats().secrets).toBe(1);
    },
  );

  it('Z3 a locked secret never moves to unlocked memory; a fallback secret stays a fallback secret', () => {
    const { memory, kernel } = opened();
    const secret = memory.allocateSync(100);
    kernel.setLockLimit(bytes(0));
    expect(thrown(() => secret.resize(9000)).code).toBe('ERR_SECMEM_LOCK_LIMIT');
    expect(secret.receipt.locked).toBe(true);
  });

  it('Z4 growing at limit 0 throws and nothing has changed; shrinking always works and wipes the tail', () => {
    const { memory, kernel } = opened();
    const secret = memory.allocateSync(8192);
    fill(secret);
    kernel.setLockLimit(bytes(0));
    expect(() => secret.resize(20_000)).toThrow(/no room|lock/i);
    expect(secret.read((b) => b.length === 8192 && b.every((byte) => byte === FILL))).toBe(true);
    secret.resize(16);
    expect(secret.read((b) => [...b])).toEqual(new Array(16).fill(FILL));
    expect(contentOf(kernel)).toBe(16);
    expect(memory.verify().discrepancies).toEqual([]);
  });

  it('Z4 growing with waiters queued takes no page from them', async () => {
    const { memory } = opened({ kernel: { lockLimit: bytes(4 * PAGE) } });
    const secret = memory.allocateSync(100);
    fill(secret);
    const waiting = memory.allocate(4 * PAGE);
    await turn();
    const refused = thrown(() => secret.resize(8192));
    expect(refused).toMatchObject({ code: 'ERR_SECMEM_LOCK_LIMIT', details: { limit: 'queue' } });
    expect(secret.read((b) => b.length)).toBe(100);
    secret.dispose();
    (await waiting).dispose();
  });

  it('Z4 a failing copy leaves the secret where and as it was', () => {
    const { memory, backend } = opened();
    const secret = memory.allocateSync(100);
    fill(secret);
    for (const operation of ['map', 'openView', 'read', 'write'] as const) {
      backend.fail(operation);
      try {
        secret.resize(5000);
        secret.resize(100);
      } catch {
        expect(secret.byteLength).toBe(100);
      }
      backend.heal();
      expect(secret.read((b) => b.length === 100 && b.every((byte) => byte === FILL))).toBe(true);
    }
    expect(memory.stats().secrets).toBe(1);
  });
});
