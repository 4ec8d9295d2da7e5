import { describe, expect, it } from 'vitest';
import { open, PAGE, sleep, thrown } from './fixture.js';

const ALWAYS = { on: 1, times: 1_000 };
/** For a machine that has other things to do. */
const SLOW = { timeout: 20_000 };

describe('a region that the system refuses to take back', () => {
  it('is tried again by the clock, however often it was refused, though nothing else is idle', async () => {
    const { memory, backend, kernel } = open({ idleMs: 2 });
    memory.allocateSync(PAGE).dispose();
    backend.fail('unmap', ALWAYS);
    const refusals = () => memory.stats().events['release-failed'];
    await expect.poll(refusals, SLOW).toBeGreaterThan(4);
    expect(memory.stats().primary.mappedByteLength).toBe(PAGE);
    backend.heal();
    await expect.poll(() => kernel.regionCount, SLOW).toBe(0);
    expect(memory.stats().primary.mappedByteLength).toBe(0);
  });

  it('is tried again by whoever needs its room, at once', () => {
    const { memory, backend, kernel } = open({
      kernel: { lockLimit: { kind: 'bytes', byteLength: 2 * PAGE } },
      idleMs: 60_000,
    });
    for (const secret of memory.allocateAllSync([PAGE, PAGE])) secret.dispose();
    backend.fail('unmap', ALWAYS);
    const refused = thrown(() => memory.allocateSync(2 * PAGE));
    expect(refused.code).toBe('ERR_SECMEM_LOCK_LIMIT');
    expect(kernel.regionCount).toBe(2);
    backend.heal();
    memory.allocateSync(2 * PAGE);
    expect(kernel.regionCount).toBe(1);
  });

  it('A2 stays charged: nothing is mapped over our own limit meanwhile', () => {
    const { memory, backend, kernel } = open({
      kernel: { lockLimit: { kind: 'unlimited' } },
      budget: { lockedByteLengthMax: 2 * PAGE },
      idleMs: 60_000,
    });
    for (const secret of memory.allocateAllSync([PAGE, PAGE])) secret.dispose();
    backend.fail('unmap');
    expect(thrown(() => memory.allocateSync(2 * PAGE)).code).toBe('ERR_SECMEM_LOCK_LIMIT');
    expect(kernel.lockedByteLength).toBeLessThanOrEqual(2 * PAGE);
  });

  it('lets a waiter in as soon as it goes', async () => {
    const { memory, backend } = open({
      kernel: { lockLimit: { kind: 'bytes', byteLength: 2 * PAGE } },
      idleMs: 60_000,
    });
    const held = memory.allocateAllSync([PAGE, PAGE]);
    backend.fail('unmap', ALWAYS);
    const waiting = memory.allocate(2 * PAGE);
    for (const secret of held) secret.dispose();
    expect(memory.stats().admission.waiting).toBe(1);
    backend.heal();
    (await waiting).dispose();
  });

  it('is wiped though it stays, and left alone once the allocator is closed', async () => {
    const { memory, backend, kernel } = open({ idleMs: 2 });
    memory.allocateSync(PAGE).write((bytes) => bytes.fill(0xcc));
    const [region] = kernel.regionIds;
    backend.fail('unmap', ALWAYS);
    expect(await memory.close()).toMatchObject({ byteLengthLeftMapped: PAGE });
    expect(kernel.peek(region as never, 0, PAGE).every((byte) => byte === 0)).toBe(true);
    const calls = backend.calls('unmap');
    await sleep(20);
    expect(backend.calls('unmap')).toBe(calls);
  });
});
