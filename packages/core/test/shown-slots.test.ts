import { describe, expect, it } from 'vitest';
import type { RegionId } from '../src/contract/index.js';
import type { Secret } from '../src/index.js';
import { type Fixture, type FixtureOptions, open, PAGE, thrown, turn } from './fixture.js';

/** What native code keeps of a view that it was given: where the bytes lie. */
interface RawPointer {
  readonly region: RegionId;
  readonly byteOffset: number;
}

let last = 0;

/** Where a secret lies, without a view: it is given a content that nobody else has, and looked for. */
function pointerTo({ kernel }: Fixture, secret: Secret): RawPointer {
  const mark = new Uint8Array(new ArrayBuffer(Math.min(16, secret.byteLength)));
  new DataView(mark.buffer).setUint32(0, 0xa5a5_0000 + ++last);
  mark.fill(0x77, 4);
  secret.copyFrom(mark);
  for (const region of kernel.regionIds) {
    const { byteLength } = kernel.find(region) as { byteLength: number };
    const byteOffset = Buffer.from(kernel.peek(region, 0, byteLength)).indexOf(mark);
    if (byteOffset >= 0) return { region, byteOffset };
  }
  throw new Error('the secret lies nowhere');
}

const same = (a: RawPointer, b: RawPointer): boolean =>
  a.region === b.region && a.byteOffset === b.byteOffset;

/** Every way in which the program gets a view of a secret and gives it up. */
const WAYS: readonly [string, (secret: Secret) => void][] = [
  ['read()', (secret) => secret.read(() => {})],
  ['write()', (secret) => secret.write(() => {})],
  ['lend()', (secret) => secret.lend().release()],
  ['lend() to write', (secret) => secret.lend({ mode: 'write' }).release()],
  [
    'a read() that throws',
    (secret) => {
      thrown(() =>
        secret.read(() => {
          throw new Error('mine');
        }),
      );
    },
  ],
  [
    'a lease that outlives its handle',
    (secret) => {
      const lease = secret.lend();
      secret.dispose();
      lease.release();
    },
  ],
];

/** A slot of 32 bytes, the largest that is pooled, and what has pages of its own. */
const LENGTHS = [32, 2048, 5000];

describe.each(WAYS)('SEC4 whoever kept a raw pointer out of %s', (_, show) => {
  it.each(LENGTHS)('finds nobody else’s %i bytes there the next seven times', (byteLength) => {
    const fixture = open({ kernel: { lockLimit: { kind: 'bytes', byteLength: 2 ** 20 } } });
    const { memory } = fixture;
    const alice = memory.allocateSync(byteLength);
    const stale = pointerTo(fixture, alice);
    show(alice);
    alice.dispose();
    for (let i = 0; i < 7; i++) {
      const bob = memory.allocateSync(byteLength);
      expect(same(pointerTo(fixture, bob), stale)).toBe(false);
      show(bob);
      bob.dispose();
    }
  });
});

describe('SEC4 control: a secret that was never shown', () => {
  it.each(LENGTHS)('of %i bytes leaves its place to the very next', (byteLength) => {
    const fixture = open();
    const alice = fixture.memory.allocateSync(byteLength);
    const place = pointerTo(fixture, alice);
    alice.dispose();
    expect(same(pointerTo(fixture, fixture.memory.allocateSync(byteLength)), place)).toBe(true);
  });
});

describe('SEC4 a place that was shown', () => {
  it('is taken again first in, first out, over all slabs', () => {
    const fixture = open({
      routing: { slabByteLengthMax: PAGE },
      budget: { lockedByteLengthMax: 4 * PAGE },
    });
    const { memory } = fixture;
    const slots = Math.floor((PAGE - 8) / 40);
    const secrets = Array.from({ length: 4 * slots }, () => memory.allocateSync(32));
    expect(memory.stats().primary.slabs).toHaveLength(4);
    // Every seventh slot, so that the order goes back and forth between the slabs.
    const order: RawPointer[] = [];
    for (let i = 0; i < 60; i++) {
      const secret = secrets[(i * 7 * slots + i * 11) % secrets.length] as Secret;
      if (secret.disposed) continue;
      secret.read(() => {});
      order.push(pointerTo(fixture, secret));
      secret.dispose();
    }
    expect(new Set(order.map(({ region }) => region)).size).toBeGreaterThan(1);
    const taken = order.map(() => pointerTo(fixture, memory.allocateSync(32)));
    expect(taken).toEqual(order);
  });

  it('is taken before anybody waits or is refused, with no page to be had', async () => {
    const { memory } = open({ budget: { lockedByteLengthMax: PAGE }, admission: { waitMsMax: 0 } });
    for (let i = 0; i < 5; i++) {
      const secret = await memory.allocate(2000);
      secret.write((bytes) => bytes.fill(i));
      secret.dispose();
    }
    const waiter = memory.allocateAllSync([2000]);
    expect(waiter).toHaveLength(1);
    expect(memory.stats()).toMatchObject({
      admission: { waits: 0 },
      primary: { mappedByteLength: PAGE },
    });
  });

  it('goes to a waiter at once, of another size too', async () => {
    const { memory } = open({ budget: { lockedByteLengthMax: PAGE } });
    const alice = memory.allocateSync(1700);
    const other = memory.allocateSync(1700);
    alice.read(() => {});
    other.read(() => {});
    const large = memory.allocate(4000);
    const small = memory.allocate(1700);
    alice.dispose();
    other.dispose();
    // The small one overtakes with the slot that the large one cannot use.
    const got = await small;
    got.read(() => {});
    got.dispose();
    expect((await large).byteLength).toBe(4000);
  });

  it('counts as room for a whole set', () => {
    const { memory } = open({ budget: { lockedByteLengthMax: PAGE } });
    const slots = Math.floor((PAGE - 8) / 40);
    const lengths = Array.from({ length: slots }, () => 32);
    for (const secret of memory.allocateAllSync(lengths)) {
      secret.read(() => {});
      secret.dispose();
    }
    expect(memory.allocateAllSync(lengths)).toHaveLength(slots);
  });

  it('stays so when its page is cut anew, for another size too', () => {
    const fixture = open({ budget: { lockedByteLengthMax: 3 * PAGE } });
    const { memory } = fixture;
    const alice = memory.allocateSync(32);
    const { region } = pointerTo(fixture, alice);
    alice.read(() => {});
    alice.dispose();
    // Two more pages are to be had, and are taken before the one that was shown.
    const first = memory.allocateSync(4000);
    const second = memory.allocateSync(3500);
    expect(pointerTo(fixture, first).region).not.toBe(region);
    expect(pointerTo(fixture, second).region).not.toBe(region);
    const third = memory.allocateSync(1000);
    expect(pointerTo(fixture, third).region).toBe(region);
    // What was never shown itself, but lies where something was, rests too.
    const place = pointerTo(fixture, third);
    third.dispose();
    expect(same(pointerTo(fixture, memory.allocateSync(1000)), place)).toBe(false);
  });

  it('stays so where a purge came between', async () => {
    const fixture = open({ idleMs: 60_000 });
    const { memory } = fixture;
    const lease = memory.allocateSync(32).lend();
    memory.purge();
    lease.release();
    expect(fixture.kernel.regionCount).toBe(0);
  });

  it('rests as well after its quarantine', () => {
    const fixture = open();
    const { memory, backend } = fixture;
    const alice = memory.allocateSync(32);
    const stale = pointerTo(fixture, alice);
    backend.failViewClose({ outcome: 'escaped' });
    expect(thrown(() => alice.read(() => {})).code).toBe('ERR_SECMEM_VIEW_ESCAPED');
    backend.releaseAliases();
    expect(thrown(() => memory.allocateSync(2 ** 20)).code).toBe('ERR_SECMEM_TOO_LARGE');
    expect(memory.stats().quarantine.slots).toBe(0);
    expect(same(pointerTo(fixture, memory.allocateSync(32)), stale)).toBe(false);
  });

  it('is left behind by a secret that moves, and rests', () => {
    const fixture = open();
    const { memory } = fixture;
    const alice = memory.allocateSync(32);
    const stale = pointerTo(fixture, alice);
    alice.read(() => {});
    alice.resize(100);
    expect(same(pointerTo(fixture, memory.allocateSync(32)), stale)).toBe(false);
  });

  it('comes back with its slab, when views were taken back or a protection was found again', async () => {
    const fixture = open({ budget: { lockedByteLengthMax: PAGE }, atRest: 'no-access' });
    const { memory, backend } = fixture;
    const slots = Math.floor((PAGE - 8) / 40);
    const secrets = memory.allocateAllSync(Array.from({ length: slots }, () => 32));
    for (const secret of secrets) secret.read(() => {});
    const pointers = secrets.map((secret) => pointerTo(fixture, secret));
    const [bad, ...good] = secrets as [Secret, ...Secret[]];
    for (const secret of good.slice(0, 10)) secret.dispose();
    backend.failViewClose({ outcome: 'escaped' });
    expect(thrown(() => bad.read(() => {})).code).toBe('ERR_SECMEM_VIEW_ESCAPED');
    expect(thrown(() => memory.allocateSync(32)).code).toBe('ERR_SECMEM_LOCK_LIMIT');
    for (const secret of good.slice(10, 20)) secret.dispose();
    await turn();
    backend.releaseAliases();
    const taken = Array.from({ length: 20 }, () => pointerTo(fixture, memory.allocateSync(32)));
    expect(taken).toEqual(pointers.slice(1, 21));
    expect(memory.verify().ok).toBe(true);
  });
});

describe('SEC4 the second life of what a store or a seal opened', () => {
  it('rests too', async () => {
    const fixture = open();
    const { memory } = fixture;
    const store = memory.store({ hotMax: 0 });
    await store.set('a', new Uint8Array(new ArrayBuffer(32)).fill(1));
    const seen: RawPointer[] = [];
    for (let i = 0; i < 5; i++) {
      await store.use('a', (secret) => {
        secret.read((bytes) => seen.push(whereIs(fixture, bytes)));
      });
    }
    for (const [i, place] of seen.entries()) {
      expect(seen.slice(0, i).some((other) => same(other, place))).toBe(false);
    }
  });
});

/** Where a content lies that is in memory once. */
function whereIs({ kernel }: Fixture, content: Uint8Array): RawPointer {
  for (const region of kernel.regionIds) {
    const { byteLength } = kernel.find(region) as { byteLength: number };
    const byteOffset = Buffer.from(kernel.peek(region, 0, byteLength)).indexOf(content);
    if (byteOffset >= 0) return { region, byteOffset };
  }
  throw new Error('the content lies nowhere');
}

describe('SEC4 routing.isolateViews', () => {
  const isolated = (options: FixtureOptions = {}) =>
    open({ ...options, routing: { isolateViews: true }, idleMs: 60_000 });

  it('gives each secret a page of its own, closed as soon as its last access has ended', () => {
    const fixture = isolated();
    const { memory, kernel } = fixture;
    const alice = memory.allocateSync(32);
    expect(alice.receipt).toMatchObject({ route: 'own', atRest: 'no-access' });
    const { region } = pointerTo(fixture, alice);
    const outer = alice.lend();
    alice.read(() => {});
    expect(kernel.protectionOf(region)).toBe('read-only');
    outer.release();
    expect(kernel.protectionOf(region)).toBe('no-access');
    alice.write(() => {});
    expect(kernel.protectionOf(region)).toBe('no-access');
  });

  it('control: without it the page closes with the turn', async () => {
    const fixture = open({ atRest: 'no-access' });
    const alice = fixture.memory.allocateSync(32);
    const { region } = pointerTo(fixture, alice);
    await turn();
    alice.read(() => {});
    expect(fixture.kernel.protectionOf(region)).toBe('read-only');
    await turn();
    expect(fixture.kernel.protectionOf(region)).toBe('no-access');
  });

  it('lets no secret come where another was shown, and gives the page back when one is wanted', () => {
    const fixture = isolated({ budget: { lockedByteLengthMax: 4 * PAGE } });
    const { memory, kernel } = fixture;
    const shown = new Set<RegionId>();
    for (let i = 0; i < 12; i++) {
      const secret = memory.allocateSync(32);
      const { region } = pointerTo(fixture, secret);
      expect(shown.has(region)).toBe(false);
      shown.add(region);
      secret.read(() => {});
      secret.dispose();
      expect(kernel.protectionOf(region)).toBe('no-access');
    }
    expect(kernel.regionCount).toBeLessThanOrEqual(4);
  });

  it('overrules pooling and the level at rest, and refuses what cannot be', () => {
    const { memory } = open({
      atRest: 'accessible',
      routing: { isolateViews: true, pooledByteLengthMax: 64 },
    });
    expect(memory.allocateSync(16).receipt).toMatchObject({ route: 'own', atRest: 'no-access' });
    expect(thrown(() => isolated({ capabilities: { views: 'none' } })).code).toBe(
      'ERR_SECMEM_NOT_SUPPORTED',
    );
    expect(thrown(() => isolated({ capabilities: { protection: 'read-only' } })).code).toBe(
      'ERR_SECMEM_NOT_SUPPORTED',
    );
    const { backend } = open();
    expect(() => isolated({ fallback: backend })).toThrow(TypeError);
    expect(() => open({ routing: { isolateViews: 1 as never } })).toThrow(TypeError);
  });
});
