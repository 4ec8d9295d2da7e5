import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Secret, SecureMemoryError } from '../src/index.js';
import { createFakeKernel, fakeBackend } from '../src/testing/index.js';
import { open, PAGE, sleep, thrown } from './fixture.js';

const own = { routing: { pooledByteLengthMax: 0 } };

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
