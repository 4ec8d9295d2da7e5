import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Secret } from '../src/index.js';
import { open, PAGE, thrown } from './fixture.js';

/** Overwrites bytes behind core's back, as a stray native write would. */
const poke = (fixture: ReturnType<typeof open>, byteOffset: number): void => {
  const [region] = fixture.kernel.regionIds;
  const [before] = fixture.kernel.peek(region as never, byteOffset, 1);
  fixture.kernel.poke(region as never, byteOffset, Uint8Array.of((before as number) ^ 0xff));
};

/** Where the first 64-byte slots of a slab lie: a canary of 8 bytes, then slots 72 bytes apart. */
const SLOT = 64;
const startOf = (i: number): number => 8 + i * 72;

describe.each(['revocable', 'none'] as const)('canaries with views %s', (views) => {
  const opened = (options: Parameters<typeof open>[0] = {}) =>
    open({ ...options, capabilities: { views } });

  function three(fixture: ReturnType<typeof open>): [Secret, Secret, Secret] {
    const secrets = fixture.memory.allocateAllSync([SLOT, SLOT, SLOT]) as [Secret, Secret, Secret];
    for (const [i, secret] of secrets.entries()) secret.write((b) => b.fill(i + 1));
    return secrets;
  }

  it.each([
    ['one byte after', startOf(1) + SLOT],
    ['one byte before', startOf(1) - 1],
  ])('M5 %s a slot is found at release: the slot is wiped and not used again', (_, byteOffset) => {
    const fixture = opened();
    const { memory, kernel } = fixture;
    const [a, b, c] = three(fixture);
    poke(fixture, byteOffset);
    const error = thrown(() => b.dispose());
    expect(error).toMatchObject({ code: 'ERR_SECMEM_CANARY_MISMATCH', kind: 'corruption' });
    expect(b.disposed).toBe(true);
    const [region] = kernel.regionIds;
    expect(kernel.peek(region as never, startOf(1), SLOT).every((byte) => byte === 0)).toBe(true);
    expect(a.read((x) => x.every((byte) => byte === 1))).toBe(true);
    expect(c.read((x) => x.every((byte) => byte === 3))).toBe(true);
    a.dispose();
    c.dispose();
    expect(memory.stats()).toMatchObject({ secrets: 0, quarantine: { damagedSlots: 1 } });
    for (let i = 0; i < 54; i++) memory.allocateSync(SLOT);
    expect(kernel.peek(region as never, startOf(1), SLOT).every((byte) => byte === 0)).toBe(true);
  });

  it('M5 verify() finds it while the secret lives, and the slot is not used again after its release', () => {
    const fixture = opened();
    const { memory } = fixture;
    const [a, b] = three(fixture);
    expect(memory.verify()).toMatchObject({ ok: true, secrets: 3, regions: 1 });
    poke(fixture, startOf(1) + SLOT + 3);
    expect(thrown(() => memory.verify())).toMatchObject({
      code: 'ERR_SECMEM_CANARY_MISMATCH',
      details: { slots: 2, after: true },
    });
    expect(memory.verify().ok).toBe(true);
    expect(b.read((x) => x.every((byte) => byte === 2))).toBe(true);
    b.dispose();
    a.dispose();
    expect(memory.stats().quarantine.damagedSlots).toBeGreaterThanOrEqual(1);
  });

  it('M5 bytes in the slack of a slot count as damage', () => {
    const fixture = opened();
    const secret = fixture.memory.allocateSync(61);
    poke(fixture, startOf(0) + 61);
    expect(thrown(() => secret.dispose()).code).toBe('ERR_SECMEM_CANARY_MISMATCH');
  });

  it('M5 control: without the damage the same release is silent and the slot is used again', () => {
    const fixture = opened();
    const [, b] = three(fixture);
    poke(fixture, startOf(1) + 5);
    b.dispose();
    expect(fixture.memory.stats().quarantine.damagedSlots).toBe(0);
  });

  it('M5 an own region has a canary before its content, right-aligned against the guard', () => {
    const fixture = opened({ routing: { pooledByteLengthMax: 2048 } });
    const secret = fixture.memory.allocateSync(3000);
    secret.write((b) => b.fill(9));
    const [region] = fixture.kernel.regionIds;
    expect(fixture.kernel.peek(region as never, PAGE - 3000, 3000).every((x) => x === 9)).toBe(
      true,
    );
    poke(fixture, PAGE - 3001);
    expect(thrown(() => secret.dispose()).code).toBe('ERR_SECMEM_CANARY_MISMATCH');
    expect(fixture.memory.stats().quarantine.damagedSlots).toBe(1);
  });

  it('M5 without guard pages an own region has a canary after its content too', () => {
    const routing = { pooledByteLengthMax: 2048 };
    const fixture = open({ capabilities: { views, guardPages: false }, routing });
    const secret = fixture.memory.allocateSync(3000);
    poke(fixture, PAGE - 8);
    expect(thrown(() => secret.dispose()).code).toBe('ERR_SECMEM_CANARY_MISMATCH');
  });

  it("M5 onCorruption 'purge' wipes everything before it throws", () => {
    const fixture = opened({ onCorruption: 'purge' });
    const [a, b, c] = three(fixture);
    poke(fixture, startOf(1) + SLOT);
    expect(thrown(() => b.dispose()).code).toBe('ERR_SECMEM_CANARY_MISMATCH');
    expect([a.disposed, c.disposed]).toEqual([true, true]);
    expect(fixture.memory.stats()).toMatchObject({ secrets: 0, events: { purge: 1 } });
    fixture.memory.allocateSync(SLOT).dispose();
  });

  it('M5 is an event that says what was found and holds no byte of a secret', () => {
    const messages: unknown[] = [];
    const listener = (message: unknown): void => void messages.push(message);
    subscribe('securemem:corruption', listener);
    onTestFinished(() => void unsubscribe('securemem:corruption', listener));
    const fixture = opened();
    const [, b] = three(fixture);
    poke(fixture, startOf(1) - 2);
    thrown(() => b.dispose());
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatchObject({ found: { before: true, after: false } });
  });
});

describe('every size', () => {
  it('M4 every size from 1 to 16,385 and every class edge is filled, read and freed without a false alarm', () => {
    const { memory, kernel } = open({ routing: { pooledByteLengthMax: 4096 } });
    for (let n = 1; n <= 16_385; n++) {
      const secret = memory.allocateSync(n);
      secret.write((b) => b.fill(0xff));
      secret.dispose();
    }
    expect(memory.stats().quarantine.damagedSlots).toBe(0);
    expect(kernel.lockedByteLength).toBeLessThanOrEqual(65_536);
  });
});
