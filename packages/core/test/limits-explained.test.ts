import { describe, expect, it } from 'vitest';
import { type Secret, SecureMemoryError } from '../src/index.js';
import { createFakeKernel } from '../src/testing/index.js';
import { departed, open, PAGE, thrown } from './fixture.js';

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
    await departed(memory);
    await expect(memory.allocate(32)).rejects.toMatchObject({ code: 'ERR_SECMEM_LOCK_LIMIT' });
    expect(performance.now() - since).toBeLessThan(10_000);
  });

  it('C11 what others in the process lock counts in the limit that would help', () => {
    const kernel = createFakeKernel();
    const first = open({ kernel, ...own });
    const second = open({ kernel, ...own });
    first.memory.allocateAllSync(Array.from({ length: 16 }, () => 32));
    const error = thrown(() => second.memory.allocateSync(32));
    expect(error).toMatchObject({
      code: 'ERR_SECMEM_LOCK_LIMIT',
      details: { inUseByteLength: 65_536, remedy: expect.stringMatching(/ulimit -l 68`/) },
    });
  });

  it('C12 a refusal says what holds the room, and what it names helps', () => {
    const { memory } = open();
    const secrets: Secret[] = [];
    while (memory.stats().primary.mappedByteLength < 16 * PAGE)
      secrets.push(memory.allocateSync(16));
    while (memory.stats().primary.slabs.some((slab) => slab.live < slab.slots))
      secrets.push(memory.allocateSync(16));
    const perSlab = secrets.length / 16;
    for (const [i, secret] of secrets.entries()) if (i % perSlab > 1) secret.dispose();
    const error = thrown(() => memory.allocateSync(2 * PAGE));
    expect(error.message).toMatch(
      /16 slabs are held by 32 secrets of 16 bytes each, \d+ bytes between them are free/,
    );
    expect(error.message).toMatch(/releasing 4 of them, slab by slab, makes room/);
    expect(error.details).toMatchObject({
      fragmentation: { slabsPartlyFree: 16, secretsInThem: 32, releasesThatHelp: 4 },
    });
    const left = secrets.filter((secret) => !secret.disposed);
    for (const secret of left.slice(0, 4)) secret.dispose();
    expect(memory.allocateSync(2 * PAGE).byteLength).toBe(2 * PAGE);
  });

  it('C12 a full allocator is not called fragmented', () => {
    const { memory } = open(own);
    const error = thrown(() => {
      for (;;) memory.allocateSync(32);
    });
    expect(error.message).not.toMatch(/fragmentation/);
  });
});
