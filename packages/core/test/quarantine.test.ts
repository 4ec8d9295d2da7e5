import { describe, expect, it } from 'vitest';
import type { Lease } from '../src/index.js';
import { contentOf, departed, FILL, type Fixture, open, PAGE, thrown, turn } from './fixture.js';

/** A secret that is lent twice. */
function lentTwice({ memory }: Fixture): [Lease, Lease] {
  const secret = memory.allocateSync(40);
  secret.write((bytes) => bytes.fill(0xa5));
  return [secret.lend(), secret.lend()];
}

/** The view of a lease escapes. */
function letEscape({ backend }: Fixture, lease: Lease): void {
  backend.failViewClose({ outcome: 'escaped' });
  expect(thrown(() => lease.release()).code).toBe('ERR_SECMEM_VIEW_ESCAPED');
}

/** Whoever held what escaped is gone, and core looks for what became free by it. */
function aliasesDie({ memory, backend }: Fixture): void {
  backend.releaseAliases();
  expect(thrown(() => memory.allocateSync(2 ** 20)).code).toBe('ERR_SECMEM_TOO_LARGE');
}

describe('a slot that several views show', () => {
  it('counts as one, however many of them escape', () => {
    const fixture = open();
    for (const lease of lentTwice(fixture)) letEscape(fixture, lease);
    const { quarantine } = fixture.memory.stats();
    expect(quarantine).toEqual({ slots: 1, byteLength: 40, damagedSlots: 0 });
  });

  it('is given to one secret when all of them are garbage, not to one for each', () => {
    const fixture = open();
    for (const lease of lentTwice(fixture)) letEscape(fixture, lease);
    aliasesDie(fixture);
    expect(fixture.memory.stats().quarantine.slots).toBe(0);
    const secrets = Array.from({ length: 10 }, () => fixture.memory.allocateSync(40));
    for (const [i, secret] of secrets.entries()) secret.write((bytes) => bytes.fill(i));
    for (const [i, secret] of secrets.entries()) {
      expect(secret.read((bytes) => bytes.every((byte) => byte === i))).toBe(true);
    }
  });

  it('Z7 is nobody else’s while one of them is open, though another escaped and is garbage', () => {
    const fixture = open();
    const { memory } = fixture;
    const [first, second] = lentTwice(fixture);
    letEscape(fixture, first);
    aliasesDie(fixture);
    const others = Array.from({ length: 10 }, () => memory.allocateSync(40));
    for (const secret of others) secret.write((bytes) => bytes.fill(0xee));
    expect(second.bytes).not.toContain(0xee);
    second.release();
    for (const secret of others) secret.dispose();
    aliasesDie(fixture);
    expect(memory.stats()).toMatchObject({ secrets: 0, quarantine: { slots: 0, damagedSlots: 0 } });
  });
});

describe('room that a view in quarantine holds', () => {
  it('serves the very request that finds its view garbage, and none before', () => {
    const fixture = open({
      routing: { pooledByteLengthMax: 0 },
      budget: { lockedByteLengthMax: PAGE },
    });
    const { memory, backend } = fixture;
    const [first, second] = lentTwice(fixture);
    letEscape(fixture, first);
    second.release();
    expect(thrown(() => memory.allocateSync(40)).code).toBe('ERR_SECMEM_LOCK_LIMIT');
    backend.releaseAliases();
    expect(memory.allocateSync(40).read((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
  });
});

describe('a purge over a slot in quarantine', () => {
  it('leaves it in quarantine, and counts no damage, until its view is garbage', () => {
    const fixture = open();
    const [first, second] = lentTwice(fixture);
    letEscape(fixture, first);
    second.release();
    fixture.memory.purge();
    const { quarantine } = fixture.memory.stats();
    expect(quarantine).toEqual({ slots: 1, byteLength: 40, damagedSlots: 0 });
    aliasesDie(fixture);
    expect(fixture.memory.stats().quarantine.slots).toBe(0);
    expect(fixture.kernel.regionCount).toBe(0);
  });

  it('counts a slot once whose view escapes after the purge', () => {
    const fixture = open();
    const [first, second] = lentTwice(fixture);
    fixture.memory.purge();
    letEscape(fixture, first);
    letEscape(fixture, second);
    const { quarantine } = fixture.memory.stats();
    expect(quarantine).toEqual({ slots: 1, byteLength: 40, damagedSlots: 0 });
    aliasesDie(fixture);
    expect(fixture.kernel.regionCount).toBe(0);
  });
});

describe('a view that escapes where the system refuses to open its page', () => {
  it.each([40, 5000])(
    'ends the secret of %i bytes all the same, and keeps its slot out of use',
    async (byteLength) => {
      const fixture = open({ atRest: 'no-access', idleMs: 60_000 });
      const { memory, kernel, backend } = fixture;
      const secret = memory.allocateSync(byteLength);
      secret.write((bytes) => bytes.fill(FILL));
      await turn();
      backend.failViewClose({ outcome: 'escaped' });
      const error = thrown(() =>
        secret.read(() => {
          kernel.refuse('mprotect');
        }),
      );
      kernel.allow('mprotect');
      expect(error.code).toBe('ERR_SECMEM_VIEW_ESCAPED');
      expect(secret.disposed).toBe(true);
      expect(contentOf(kernel)).toBe(0);
      expect(memory.stats()).toMatchObject({
        secrets: 0,
        quarantine: { slots: 1, byteLength, damagedSlots: 0 },
      });
      aliasesDie(fixture);
      expect(memory.stats().quarantine.slots).toBe(0);
    },
  );
});

describe('a view that is garbage, but that nobody has looked for', () => {
  it.each(['a slot', 'a region of its own'])('keeps %s from nobody at a purge', async (place) => {
    const fixture = open({ routing: { pooledByteLengthMax: place === 'a slot' ? 2_048 : 0 } });
    const { memory, backend } = fixture;
    for (const lease of lentTwice(fixture)) letEscape(fixture, lease);
    backend.releaseAliases();
    memory.purge();
    expect(memory.stats().quarantine.slots).toBe(0);
    await departed(memory);
    expect(memory.stats().primary.regions).toBe(0);
  });

  it('leaves nothing mapped when the allocator closes', async () => {
    const fixture = open();
    for (const lease of lentTwice(fixture)) letEscape(fixture, lease);
    fixture.backend.releaseAliases();
    expect(await fixture.memory.close()).toMatchObject({ byteLengthLeftMapped: 0 });
  });
});
