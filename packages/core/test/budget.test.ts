import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Secret } from '../src/index.js';
import { createFakeKernel } from '../src/testing/index.js';
import { open, PAGE, sleep, thrown, turn } from './fixture.js';

const own = { routing: { pooledByteLengthMax: 0 } };
const bytes = (byteLength: number) => ({ kind: 'bytes' as const, byteLength });

/** Collects what is published on a channel until the test ends. */
function heard(name: string): unknown[] {
  const messages: unknown[] = [];
  const listener = (message: unknown): void => void messages.push(message);
  subscribe(name, listener);
  onTestFinished(() => void unsubscribe(name, listener));
  return messages;
}

describe('the budget', () => {
  it.each([
    [bytes(3 * PAGE), 0, 3],
    [bytes(5 * PAGE), PAGE, 4],
    [{ kind: 'unknown' as const }, 0, 16],
  ])(
    "'auto' is the limit in force less headroom, or 64 KiB when it is unknown: %o",
    (lockLimit, headroomByteLength, pages) => {
      const { memory } = open({ kernel: { lockLimit }, ...own, budget: { headroomByteLength } });
      const secrets = Array.from({ length: pages }, () => memory.allocateSync(32));
      expect(thrown(() => memory.allocateSync(32)).code).toBe('ERR_SECMEM_LOCK_LIMIT');
      expect(secrets).toHaveLength(pages);
    },
  );

  it("'auto' is a quarter of physical memory when nothing limits locking", () => {
    const { memory } = open({ kernel: { lockLimit: { kind: 'unlimited' } } });
    expect(memory.stats().primary).toMatchObject({ limitSource: 'physical-memory' });
  });

  it('X6 a limit lowered to 0 on the live process fails what needs a page and nothing else', () => {
    const { memory, kernel } = open();
    const kept = memory.allocateSync(32);
    kernel.setLockLimit(bytes(0), bytes(65_536));
    for (let i = 0; i < 50; i++) memory.allocateSync(32);
    const refused = thrown(() => memory.allocateSync(4000));
    expect(refused).toMatchObject({ code: 'ERR_SECMEM_LOCK_LIMIT', kind: 'capacity' });
    expect(refused).toMatchObject({ details: { limit: 'lock' } });
    kernel.setLockLimit(bytes(65_536));
    memory.allocateSync(4000);
    expect(kept.read((b) => b.length)).toBe(32);
  });

  it('X6 a limit lowered to what is locked already fails the next page with the kernel as witness', () => {
    const { memory, kernel } = open();
    memory.allocateSync(32);
    kernel.setLockLimit(bytes(kernel.lockedByteLength));
    expect(thrown(() => memory.allocateSync(PAGE))).toMatchObject({
      code: 'ERR_SECMEM_LOCK_LIMIT',
      syscall: expect.any(String),
      details: { limit: 'lock', inUseByteLength: PAGE, limitByteLength: PAGE },
    });
  });

  it('X6 a waiter is served when the limit is raised again, without anybody releasing', async () => {
    const { memory, kernel } = open(own);
    const kept = memory.allocateSync(32);
    kernel.setLockLimit(bytes(PAGE), bytes(65_536));
    const waiting = memory.allocate(32);
    await turn();
    kernel.setLockLimit(bytes(65_536));
    (await waiting).dispose();
    kept.dispose();
  });

  it('A6 one warm page serves a thousand allocations at limit 0 without a call to the system', () => {
    const { memory, kernel } = open({ budget: { lockedByteLengthMin: PAGE } });
    expect(kernel.lockedByteLength).toBe(PAGE);
    kernel.setLockLimit(bytes(0));
    memory.allocateSync(32).dispose();
    const calls = kernel.log.length;
    for (let i = 0; i < 1_000; i++) {
      const secret = memory.allocateSync(32);
      secret.dispose();
    }
    expect(kernel.log.length).toBe(calls);
  });

  it('A6 a full warm page makes the next one fail or wait, and a released slot reads zero', async () => {
    const { memory, kernel } = open({ budget: { lockedByteLengthMin: PAGE } });
    kernel.setLockLimit(bytes(PAGE));
    const all: Secret[] = [];
    for (;;) {
      try {
        all.push(memory.allocateSync(64));
      } catch {
        break;
      }
    }
    expect(all).toHaveLength(Math.floor((PAGE - 8) / 72));
    for (const secret of all) secret.write((b) => b.fill(0xee));
    const waiting = memory.allocate(64);
    all[7]?.dispose();
    const next = await waiting;
    expect(next.read((b) => b.every((byte) => byte === 0))).toBe(true);
  });

  it('gives idle pages back down to the minimum, and never on every release', async () => {
    const { memory, kernel } = open({ idleMs: 20, budget: { lockedByteLengthMin: PAGE } });
    for (const secret of memory.allocateAllSync([3000, 3000, 64, 64])) secret.dispose();
    expect(kernel.lockedByteLength).toBeGreaterThan(PAGE);
    await sleep(200);
    expect(kernel.lockedByteLength).toBe(PAGE);
  });

  it('A7 raiseLimit raises the soft limit as far as the hard one, or throws and changes nothing', () => {
    const kernel = createFakeKernel({ lockLimit: bytes(65_536), hardLockLimit: bytes(1_048_576) });
    open({ kernel, budget: { raiseLimit: true } });
    expect(kernel.lockLimit).toEqual(bytes(1_048_576));
    const fixed = createFakeKernel({ lockLimit: bytes(65_536), hardLockLimit: bytes(65_536) });
    const error = thrown(() => open({ kernel: fixed, budget: { raiseLimit: true } }));
    expect(error.code).toBe('ERR_SECMEM_CANNOT_RAISE');
    expect(fixed.lockLimit).toEqual(bytes(65_536));
    expect(fixed.regionCount).toBe(0);
  });

  it('M15 warns once when the secrets expected do not fit, with both numbers', () => {
    const messages = heard('securemem:headroom');
    open({ budget: { secretsMax: 10_000 } });
    open({ budget: { secretsMax: 1_000 } });
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatchObject({ availableByteLength: 65_536 });
    expect((messages[0] as { neededByteLength: number }).neededByteLength).toBeGreaterThan(
      10_000 * 40,
    );
  });

  it('secretsMax is a limit of its own: the next secret fails or waits', async () => {
    const { memory } = open({ budget: { secretsMax: 2 } });
    const first = memory.allocateSync(8);
    memory.allocateSync(8);
    expect(thrown(() => memory.allocateSync(8)).code).toBe('ERR_SECMEM_SECRETS_LIMIT');
    const waiting = memory.allocate(8);
    first.dispose();
    await waiting;
  });

  it('A12 a set of more secrets than there may be is refused at once, in words of its own', async () => {
    const { memory } = open({ budget: { secretsMax: 2 } });
    const tooMany = {
      code: 'ERR_SECMEM_TOO_LARGE',
      message: expect.stringMatching(
        /3 secrets at once are more than the 2 that budget\.secretsMax allows/,
      ),
      details: { limit: 'secrets', requestedSecrets: 3, secretsMax: 2 },
    };
    expect(thrown(() => memory.allocateAllSync([8, 8, 8]))).toMatchObject(tooMany);
    await expect(memory.allocateAll([8, 8, 8])).rejects.toMatchObject(tooMany);
    expect(memory.stats()).toMatchObject({ admission: { waits: 0 }, primary: { mapCalls: 0 } });
  });
});

it("P09 'auto' is a quarter of what the control group allows, where that is less than the machine has", () => {
  const allowed = vi.spyOn(process, 'constrainedMemory');
  onTestFinished(() => allowed.mockRestore());
  const budget = () => {
    const { memory } = open({ kernel: { lockLimit: { kind: 'unlimited' } } });
    return memory.stats().primary.limitByteLength;
  };
  allowed.mockReturnValue(100_663_296);
  expect(budget()).toBe(25_165_824);
  allowed.mockReturnValue(0);
  const machine = budget();
  allowed.mockReturnValue(2 ** 63);
  expect(budget()).toBe(machine);
});
