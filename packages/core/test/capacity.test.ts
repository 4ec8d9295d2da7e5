import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createAllocator, type Secret, SecureMemoryError } from '../src/index.js';
import { createFakeKernel, fakeBackend } from '../src/testing/index.js';
import { open, PAGE, sleep, thrown, turn } from './fixture.js';

const own = { routing: { pooledByteLengthMax: 0 } };
const bytes = (byteLength: number) => ({ kind: 'bytes' as const, byteLength });

/** A second kernel without limit, for falling back to memory that is honestly not locked. */
const unlocked = () =>
  fakeBackend({
    kernel: createFakeKernel({ lockLimit: { kind: 'unlimited' } }),
    name: 'unlocked',
    capabilities: { locking: 'none', guardPages: false, protection: 'none', dumpExclusion: false },
  });

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
    expect(thrown(() => memory.allocateSync(4000))).toMatchObject({
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

describe('policies', () => {
  /** M14's load: 2,000 tasks hold 64 bytes for a turn. */
  async function load(options: Parameters<typeof open>[0], tasks = 2_000) {
    const fixture = open(options);
    const results = await Promise.allSettled(
      Array.from({ length: tasks }, async () => {
        const secret = await fixture.memory.allocate(64);
        const { locked } = secret.receipt;
        await sleep(5);
        secret.dispose();
        return locked;
      }),
    );
    return { ...fixture, results };
  }

  it("M14 'wait' serves 2,000 of 2,000 and some had to wait", async () => {
    const { memory, results } = await load({});
    expect(results.every((r) => r.status === 'fulfilled')).toBe(true);
    expect(memory.stats().admission.waits).toBeGreaterThan(0);
  });

  it("M14 'throw' serves what fits, and the rest are typed errors", async () => {
    const { results } = await load({ onCapacity: 'throw' });
    const served = results.filter((r) => r.status === 'fulfilled').length;
    const refused = results.filter((r) => r.status === 'rejected');
    expect(served + refused.length).toBe(2_000);
    for (const { reason } of refused) expect(reason.code).toBe('ERR_SECMEM_LOCK_LIMIT');
    expect(served).toBeGreaterThanOrEqual(16 * 56);
    expect(served).toBeLessThanOrEqual(16 * 57);
  });

  it("M14 'fallback' serves all, tells which are not locked, and warns once", async () => {
    const messages = heard('securemem:fallback');
    const { memory, results } = await load({ onCapacity: 'fallback', fallback: unlocked() });
    const served = results.map((r) => (r.status === 'fulfilled' ? r.value : undefined));
    const notLocked = served.filter((locked) => locked === false).length;
    expect(served).toHaveLength(2_000);
    expect(served).not.toContain(undefined);
    expect(notLocked).toBeGreaterThan(1_000);
    expect(memory.stats().fallback?.placed).toBe(notLocked);
    expect(messages).toHaveLength(1);
  });

  it('A8 a fallback secret says so in its receipt, with the reason', () => {
    const { memory } = open({ onCapacity: 'fallback', fallback: unlocked(), ...own });
    const secrets = Array.from({ length: 17 }, () => memory.allocateSync(32));
    expect(secrets[15]?.receipt).toMatchObject({ locked: true, fallback: false });
    const { receipt } = secrets[16] as Secret;
    expect(receipt).toMatchObject({ locked: false, fallback: true, backend: 'unlocked' });
    expect(receipt.weaknesses.map((w) => w.field)).toEqual(
      expect.arrayContaining(['fallback', 'locked']),
    );
  });

  it('A8 each change from the first backend to the fallback is one event', () => {
    const messages = heard('securemem:fallback');
    const { memory } = open({ onCapacity: 'fallback', fallback: unlocked(), ...own });
    const first = Array.from({ length: 20 }, () => memory.allocateSync(32));
    expect(messages).toHaveLength(1);
    first[0]?.dispose();
    memory.allocateSync(32);
    memory.allocateSync(32);
    expect(messages).toHaveLength(2);
  });

  it('A8 the fallback has a maximum of its own', () => {
    const { memory } = open({
      onCapacity: 'fallback',
      fallback: unlocked(),
      fallbackByteLengthMax: 2 * PAGE,
      ...own,
    });
    for (let i = 0; i < 18; i++) memory.allocateSync(32);
    const error = thrown(() => memory.allocateSync(32));
    expect(error).toMatchObject({ code: 'ERR_SECMEM_LOCK_LIMIT', backend: 'unlocked' });
    expect(error.cause).toBeInstanceOf(SecureMemoryError);
  });

  it('A8 secretsMax counts what is on the fallback, and nobody falls back from it', async () => {
    const { memory } = open({
      ...own,
      onCapacity: 'fallback',
      fallback: unlocked(),
      budget: { secretsMax: 2, lockedByteLengthMax: PAGE },
    });
    expect(thrown(() => memory.allocateAllSync([8, 8, 8]))).toMatchObject({
      code: 'ERR_SECMEM_TOO_LARGE',
      details: { limit: 'secrets' },
    });
    const [first, second] = [memory.allocateSync(8), memory.allocateSync(8)];
    expect(second.receipt.fallback).toBe(true);
    expect(thrown(() => memory.allocateSync(8)).code).toBe('ERR_SECMEM_SECRETS_LIMIT');
    expect(memory.stats()).toMatchObject({ secrets: 2, fallback: { placed: 1 } });
    first.dispose();
    memory.allocateSync(8);
  });

  it('A8 secretsMax holds on the fallback also where the first backend has a queue', async () => {
    const { memory } = open({ fallback: unlocked(), budget: { secretsMax: 18 } });
    const kept = memory.allocateSync(32);
    const waiting = memory.allocate(16 * PAGE);
    const overtaking = Array.from({ length: 16 }, () => memory.allocateSync(32));
    const fallingBack = () => memory.allocateSync(32, { onCapacity: 'fallback' });
    const last = fallingBack();
    expect(last.receipt.fallback).toBe(true);
    expect(thrown(fallingBack).code).toBe('ERR_SECMEM_SECRETS_LIMIT');
    for (const secret of [kept, last, ...overtaking]) secret.dispose();
    (await waiting).dispose();
  });

  it('A8 a full fallback is told as such, though others wait for the first backend', async () => {
    const { memory } = open({
      ...own,
      budget: { lockedByteLengthMax: PAGE },
      fallback: unlocked(),
      fallbackByteLengthMax: PAGE,
    });
    const held = memory.allocateSync(32);
    const waiting = memory.allocate(32);
    memory.allocateSync(32, { onCapacity: 'fallback' });
    expect(thrown(() => memory.allocateSync(32, { onCapacity: 'fallback' }))).toMatchObject({
      code: 'ERR_SECMEM_LOCK_LIMIT',
      backend: 'unlocked',
      details: { limit: 'budget', limitByteLength: PAGE },
    });
    held.dispose();
    (await waiting).dispose();
  });

  it('A8 fallback without a backend, and with a requirement it breaks, is refused at construction', () => {
    expect(() => open({ onCapacity: 'fallback' })).toThrow(/needs a backend to fall back to/);
    const { memory } = open({});
    expect(() => memory.allocateSync(1e9, { onCapacity: 'fallback' })).toThrow(TypeError);
    const contradiction = thrown(() => open({ fallback: unlocked(), require: ['locked'] }));
    expect(contradiction.code).toBe('ERR_SECMEM_GUARANTEE_UNMET');
    open({ fallback: unlocked(), require: [] });
  });

  it('A8 control: without require the same secret would be handed out unlocked', () => {
    const { memory } = open({ fallback: unlocked(), onCapacity: 'fallback', ...own });
    for (let i = 0; i < 16; i++) memory.allocateSync(32);
    expect(memory.allocateSync(32).receipt.locked).toBe(false);
  });

  it('require refuses to open when a guarantee is missing, and names the reason', () => {
    const error = thrown(() => open({ require: ['kernelHidden', 'locked', 'noAccessAtRest'] }));
    expect(error).toMatchObject({
      code: 'ERR_SECMEM_GUARANTEE_UNMET',
      details: { unmet: ['kernelHidden', 'noAccessAtRest'] },
    });
    expect(() => open({ require: ['everything' as never] })).toThrow(/unknown guarantee/);
    open({ require: ['noAccessAtRest'], atRest: 'no-access' });
  });

  it('a call can have a policy of its own', async () => {
    const { memory } = open({ ...own });
    for (let i = 0; i < 16; i++) memory.allocateSync(32);
    await expect(memory.allocate(32, { onCapacity: 'throw' })).rejects.toMatchObject({
      code: 'ERR_SECMEM_LOCK_LIMIT',
    });
    await expect(memory.allocate(32, { waitMsMax: 5 })).rejects.toMatchObject({
      code: 'ERR_SECMEM_WAIT_TIMEOUT',
    });
  });

  it('DENIED is of the platform: it is thrown under wait, and falls back under fallback', async () => {
    const { memory, kernel } = open();
    kernel.denyLocking(true);
    await expect(memory.allocate(32)).rejects.toMatchObject({
      code: 'ERR_SECMEM_DENIED',
      kind: 'platform',
      message: expect.stringMatching(/SystemCallFilter=@memlock/),
      details: { remedy: expect.stringMatching(/SystemCallFilter=@memlock/) },
    });
    const second = open({ onCapacity: 'fallback', fallback: unlocked() });
    second.kernel.denyLocking(true);
    expect(second.memory.allocateSync(32).receipt.fallback).toBe(true);
  });

  it.each([
    ['a resize', (secret: Secret) => secret.resize(9_000)],
    ['the first seal', (secret: Secret) => secret.seal()],
  ])('DENIED says what to do about it wherever a page is wanted: %s', (_, want) => {
    const { memory, kernel } = open();
    const secret = memory.allocateSync(32);
    kernel.denyLocking(true);
    expect(thrown(() => want(secret))).toMatchObject({
      code: 'ERR_SECMEM_DENIED',
      message: expect.stringMatching(/SystemCallFilter=@memlock/),
      details: { remedy: expect.stringMatching(/SystemCallFilter=@memlock/) },
    });
    expect(secret.read((b) => b.length)).toBe(32);
  });
});

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

describe('telemetry', () => {
  it('traces each wait from the queue to its end', async () => {
    const started = heard('tracing:securemem:wait:start');
    const ended = heard('tracing:securemem:wait:asyncEnd');
    const failed = heard('tracing:securemem:wait:error');
    const { memory } = open({ ...own, budget: { lockedByteLengthMax: PAGE } });
    const holder = memory.allocateSync(32);
    const served = memory.allocate(32);
    const late = memory.allocate(32, { waitMsMax: 1 }).catch(() => {});
    await late;
    holder.dispose();
    (await served).dispose();
    expect(started).toHaveLength(2);
    expect(ended).toHaveLength(2);
    expect(failed).toHaveLength(1);
    expect(ended[1]).toMatchObject({ backend: 'fake', requestedByteLength: 32 });
  });

  it('stats() counts to the byte, by route', () => {
    const { memory, kernel } = open();
    memory.allocateAllSync([10, 20, 30, 3000]);
    expect(memory.stats()).toMatchObject({
      secrets: 4,
      primary: {
        mappedByteLength: kernel.mappedByteLength,
        lockedByteLength: kernel.lockedByteLength,
        routes: {
          pooled: { secrets: 3, byteLength: 60 },
          own: { secrets: 1, byteLength: 3000 },
        },
      },
    });
  });
});

describe('options', () => {
  it.each([
    ['an unknown option', { unknown: 1 }, TypeError],
    ['an unknown option in a group', { budget: { max: 1 } }, TypeError],
    ['a negative budget', { budget: { lockedByteLengthMax: -1 } }, RangeError],
    ['a budget in words', { budget: { lockedByteLengthMax: '64k' } }, TypeError],
    ['Z1 a boundary of NaN', { routing: { pooledByteLengthMax: Number.NaN } }, RangeError],
    ["Z1 a boundary of 'abc'", { routing: { pooledByteLengthMax: 'abc' } }, TypeError],
    ['Z1 a negative boundary', { routing: { pooledByteLengthMax: -1 } }, RangeError],
    ['a slab of half pages', { routing: { slabByteLengthMax: 5000 } }, RangeError],
    ['an endless wait', { admission: { waitMsMax: Number.POSITIVE_INFINITY } }, RangeError],
    ['an unknown word', { atRest: 'closed' }, TypeError],
    ['a requirement that is no list', { require: 'locked' }, TypeError],
    ['a fallback maximum without fallback', { fallbackByteLengthMax: 4096 }, TypeError],
    ['no backend', { backend: undefined }, TypeError],
  ])('createAllocator() refuses %s', (_, options, error) => {
    const { kernel } = open();
    expect(() =>
      createAllocator({ backend: fakeBackend({ kernel }), ...options } as never),
    ).toThrow(error);
  });

  it.each([0, -1, 1.5, Number.NaN, 2 ** 31 + 1])(
    'allocate(%o) is a RangeError before anything changes',
    async (n) => {
      const { memory } = open();
      expect(() => memory.allocateSync(n)).toThrow(RangeError);
      await expect(memory.allocate(n)).rejects.toThrow(RangeError);
      expect(() => memory.allocateAllSync([8, n])).toThrow(RangeError);
      expect(memory.stats().primary.mapCalls).toBe(0);
    },
  );
});
