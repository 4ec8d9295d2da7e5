import { describe, expect, it } from 'vitest';
import type { Secret } from '../src/index.js';
import { open, PAGE, thrown, turn } from './fixture.js';

describe('protection at rest', () => {
  it('M7 pages are closed outside an access, and close once per turn when the last reader leaves', async () => {
    const { memory, kernel } = open({ atRest: 'no-access' });
    const [a, b] = memory.allocateAllSync([32, 32]) as [Secret, Secret];
    await turn();
    const [region] = kernel.regionIds;
    const protection = () => kernel.protectionOf(region as never);
    expect(protection()).toBe('no-access');
    const first = a.lend();
    expect(protection()).toBe('read-only');
    const second = b.lend();
    const third = a.lend();
    first.release();
    second.release();
    await turn();
    expect(protection()).toBe('read-only');
    third.release();
    expect(protection()).toBe('read-only');
    await Promise.resolve();
    expect(protection()).toBe('no-access');
    a.write((bytes) => {
      bytes[0] = 1;
      expect(protection()).toBe('read-write');
    });
    await turn();
    expect(protection()).toBe('no-access');
  });

  it('M7 disposing a thousand secrets wipes each before it returns and closes the slab once', async () => {
    const { memory, kernel } = open({
      atRest: 'no-access',
      routing: { slabByteLengthMax: 16 * PAGE },
    });
    const secrets = Array.from({ length: 1_000 }, () => memory.allocateSync(32));
    for (const secret of secrets) secret.write((bytes) => bytes.fill(0xcc));
    await turn();
    const before = kernel.calls.protect;
    for (const secret of secrets) secret.dispose();
    for (const region of kernel.regionIds) {
      const bytes = kernel.peek(region, 0, PAGE);
      expect(bytes.includes(0xcc) && Buffer.from(bytes).includes(Buffer.alloc(32, 0xcc))).toBe(
        false,
      );
    }
    await turn();
    expect(kernel.calls.protect - before).toBeLessThanOrEqual(2 * kernel.regionIds.length + 2);
  });

  it("M7 'read-only' toggles for a write only", async () => {
    const { memory, kernel } = open({ atRest: 'read-only' });
    const secret = memory.allocateSync(32);
    await turn();
    const before = kernel.calls.protect;
    secret.read((bytes) => bytes[0]);
    await turn();
    expect(kernel.calls.protect).toBe(before);
    secret.write((bytes) => bytes.fill(1));
    await turn();
    expect(kernel.calls.protect).toBe(before + 2);
  });

  it('M7 a backend that cannot close pages makes the option refused', () => {
    const refused = thrown(() =>
      open({ atRest: 'no-access', capabilities: { protection: 'none' } }),
    );
    expect(refused.code).toBe('ERR_SECMEM_NOT_SUPPORTED');
    const windows = thrown(() =>
      open({ atRest: 'no-access', capabilities: { protection: 'read-only' } }),
    );
    expect(windows.code).toBe('ERR_SECMEM_NOT_SUPPORTED');
    open({ atRest: 'read-only', capabilities: { protection: 'read-only' } });
  });

  it('M7 a page that the system refuses to close stays open, and the receipt says so until it is closed', async () => {
    const { memory, kernel } = open({ atRest: 'no-access' });
    const secret = memory.allocateSync(32);
    kernel.refuse('mprotect');
    await turn();
    expect(secret.receipt).toMatchObject({ noAccessAtRest: false, atRest: 'accessible' });
    expect(memory.stats().events['protection-failed']).toBe(1);
    kernel.allow('mprotect');
    secret.read(() => 0);
    await turn();
    expect(secret.receipt.noAccessAtRest).toBe(true);
  });

  it('X16 an allocator with closed pages warns when the program listens to SIGSEGV', () => {
    const listener = (): void => {};
    process.on('SIGSEGV', listener);
    try {
      expect(open({ atRest: 'no-access' }).memory.stats().events['sigsegv-listener']).toBe(1);
      expect(open({}).memory.stats().events['sigsegv-listener']).toBe(0);
    } finally {
      process.off('SIGSEGV', listener);
    }
  });
});
