import { describe, expect, it } from 'vitest';
import { SecureMemoryError } from '../src/index.js';
import { open, PAGE, thrown } from './fixture.js';

const own = { routing: { pooledByteLengthMax: 0 } };
const bytes = (byteLength: number) => ({ kind: 'bytes' as const, byteLength });

describe('limits explained', () => {
  it('X3 the mapping count is another limit than the lock limit, with another remedy', () => {
    const { memory } = open({
      kernel: { lockLimit: { kind: 'unlimited' }, mappingsMax: 30 },
      ...own,
    });
    const error = thrown(() => {
      for (;;) memory.allocateSync(32);
    });
    expect(error).toMatchObject({ code: 'ERR_SECMEM_MAP_LIMIT', details: { limit: 'mappings' } });
    expect(error.message).toMatch(/max_map_count/);
  });

  it('names backend, numbers and the line to paste', () => {
    const { memory } = open(own);
    const error = thrown(() => {
      for (;;) memory.allocateSync(32);
    });
    expect(error).toMatchObject({
      code: 'ERR_SECMEM_LOCK_LIMIT',
      backend: 'fake',
      details: {
        limit: 'lock',
        requestedByteLength: PAGE,
        inUseByteLength: 65_536,
        limitByteLength: 65_536,
        remedy: expect.stringMatching(/ulimit -l 68/),
      },
    });
    expect(error.message).toMatch(/ulimit -l 68/);
  });

  it('our own budget is told apart from the kernel', () => {
    const { memory } = open({ ...own, budget: { lockedByteLengthMax: 2 * PAGE } });
    memory.allocateAllSync([32, 32]);
    expect(thrown(() => memory.allocateSync(32))).toMatchObject({
      code: 'ERR_SECMEM_LOCK_LIMIT',
      details: { limit: 'budget', limitByteLength: 2 * PAGE, limitSource: 'option' },
    });
  });

  it('M8 one refused allocation hurts nobody else', () => {
    const { memory, kernel } = open();
    const live = Array.from({ length: 100 }, (_, i) => {
      const secret = memory.allocateSync(64);
      secret.write((b) => b.fill(i + 1));
      return secret;
    });
    kernel.setLockLimit(bytes(0));
    expect(() => memory.allocateSync(9000)).toThrow(SecureMemoryError);
    for (const [i, secret] of live.entries()) {
      expect(secret.read((b) => b.every((byte) => byte === i + 1))).toBe(true);
    }
  });

  it('after a purge an empty slab still goes to whoever waits for another class', async () => {
    const { memory } = open({
      kernel: { lockLimit: { kind: 'bytes', byteLength: 4096 } },
      admission: { waitMsMax: 5_000 },
    });
    memory.allocateSync(16);
    memory.purge();
    memory.allocateSync(16).dispose();
    expect(memory.stats().primary.emptyByteLength).toBe(4096);
    (await memory.allocate(200)).dispose();
    expect(memory.stats().admission.waits).toBe(0);
  });

  it('what a purge left under a lease goes to whoever waits when the lease is released', async () => {
    const { memory } = open({ kernel: { lockLimit: { kind: 'bytes', byteLength: 4096 } } });
    const lease = memory.allocateSync(16).lend();
    memory.purge();
    const waiting = memory.allocate(16);
    await Promise.resolve();
    expect(memory.stats().admission.waiting).toBe(1);
    lease.release();
    expect(memory.stats().admission.waiting).toBe(0);
    (await waiting).dispose();
  });

  it('M9 the first use, resize and purge at limit 0 each settle at once', async () => {
    const { memory, kernel } = open();
    kernel.setLockLimit(bytes(0));
    const since = performance.now();
    await expect(memory.allocate(32)).rejects.toMatchObject({ code: 'ERR_SECMEM_LOCK_LIMIT' });
    kernel.setLockLimit(bytes(65_536));
    const secret = memory.allocateSync(32);
    kernel.setLockLimit(bytes(0));
    expect(thrown(() => secret.resize(8_192)).code).toBe('ERR_SECMEM_LOCK_LIMIT');
    memory.purge();
    await expect(memory.allocate(32)).rejects.toMatchObject({ code: 'ERR_SECMEM_LOCK_LIMIT' });
    expect(performance.now() - since).toBeLessThan(10_000);
  });
});
