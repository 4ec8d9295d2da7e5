import { describe, expect, it } from 'vitest';
import { isSecureMemoryError, type Lease, type Secret } from '../src/index.js';
import { drawing, sweep } from './drawing.js';
import {
  departed,
  type Fixture,
  type FixtureOptions,
  open,
  PAGE,
  sleep,
  thrown,
  turn,
} from './fixture.js';

const LENGTH = 40;

/** One secret in one slab, and whatever accesses are open. */
class Slot {
  readonly fixture: Fixture;
  secret: Secret | undefined;
  readonly leases: Lease[] = [];

  constructor(options: FixtureOptions = {}) {
    this.fixture = open({ idleMs: 2, quarantineMax: 8, ...options });
  }

  static async in(state: string): Promise<Slot> {
    const slot = new Slot();
    if (state === '[*]') return slot;
    slot.allocate();
    if (state === 'free' || state === 'gone') slot.live.dispose();
    if (['reading', 'ending', 'quarantined', 'purged'].includes(state)) slot.lend('read');
    if (state === 'writing') slot.lend('write');
    if (state === 'ending') slot.live.dispose();
    if (state === 'quarantined') slot.escape();
    if (state === 'damaged') slot.disposeDamaged();
    if (state === 'purged') slot.fixture.memory.purge();
    expect(await slot.state()).toBe(state);
    return slot;
  }

  get live(): Secret {
    return this.secret as Secret;
  }

  allocate(): void {
    this.secret = this.fixture.memory.allocateSync(LENGTH);
    // Not through a view, which would send the slot behind the others once it is free.
    this.secret.copyFrom(new Uint8Array(new ArrayBuffer(LENGTH)).fill(0xa5));
  }

  lend(mode: 'read' | 'write'): void {
    this.leases.push(this.live.lend({ mode }));
  }

  release(): void {
    (this.leases.pop() as Lease).release();
  }

  /** The next view to be closed escapes. */
  escape(): void {
    this.fixture.kernel.nextViewOutcome('escaped');
    expect(() => this.release()).toThrow(/transferred/);
  }

  breakCanary(): void {
    const { kernel } = this.fixture;
    kernel.poke(kernel.regionIds[0] as never, 8 + LENGTH, Uint8Array.of(1, 2, 3));
  }

  disposeDamaged(): void {
    this.breakCanary();
    expect(() => this.live.dispose()).toThrow(/overwritten/);
  }

  /** Nothing is allowed that `refused` does, and nothing changes by it. */
  refuses(refused: () => unknown): void {
    try {
      refused();
    } catch (error) {
      expect(isSecureMemoryError(error, 'ERR_SECMEM_IN_USE')).toBe(true);
      return;
    }
    throw new Error('it was not refused');
  }

  /** What the counters, the handle and the simulated pages say, and not what was done. */
  async state(): Promise<string> {
    const { memory, kernel } = this.fixture;
    const { secrets, openAccesses, quarantine } = memory.stats();
    if (kernel.regionCount === 0) return 'gone';
    const bytes = kernel.peek(kernel.regionIds[0] as never, 8, LENGTH);
    const zero = bytes.every((byte) => byte === 0);
    const usable = this.secret !== undefined && !this.secret.disposed;
    if (quarantine.slots > 0 && memory.stats().primary.slabs.length > 0) {
      expect({ zero, usable, secrets }).toEqual({ zero: true, usable: false, secrets: 0 });
      return 'quarantined';
    }
    if (quarantine.damagedSlots > 0) {
      expect({ zero, usable, secrets }).toEqual({ zero: true, usable: false, secrets: 0 });
      return 'damaged';
    }
    if (secrets === 0) {
      expect({ zero, usable }).toEqual({ zero: true, usable: false });
      return memory.stats().primary.slabs.length > 0 ? 'free' : 'purged';
    }
    expect(zero).toBe(false);
    if (!usable) return 'ending';
    if (openAccesses === 0) return 'live';
    return this.admitsReaders() ? 'reading' : 'writing';
  }

  private admitsReaders(): boolean {
    try {
      return this.live.read(() => true);
    } catch {
      return false;
    }
  }
}

const dispose = (slot: Slot): void => slot.live.dispose();
const purge = (slot: Slot): void => slot.fixture.memory.purge();
const purgeAway = ({ fixture: { memory } }: Slot): Promise<void> => {
  memory.purge();
  return departed(memory);
};
const release = (slot: Slot): void => slot.release();
const letEscape = (slot: Slot): void => slot.escape();
const aliasDies = ({ fixture }: Slot): void => {
  fixture.kernel.releaseAliases();
  expect(sweep(fixture)).toBe(0);
};

/** How to take each edge. What has no entry here, or none in the drawing, fails the first test. */
const SLOT_EDGES: Record<string, (slot: Slot) => Slot | void | Promise<void>> = {
  '[*]: map and cut a region: free': (slot) => {
    slot.allocate();
    slot.live.dispose();
  },
  'free: allocate: live': (slot) => slot.allocate(),
  'live: resize in place: live': (slot) => {
    slot.live.resize(LENGTH - 1);
    slot.live.resize(LENGTH);
    expect(slot.fixture.memory.stats().primary.regions).toBe(1);
  },
  'live: read or lend: reading': (slot) => slot.lend('read'),
  'reading: another reader: reading': (slot) => slot.lend('read'),
  'reading: one of several readers ends: reading': (slot) => {
    slot.lend('read');
    slot.release();
  },
  'reading: the last reader ends: live': release,
  'reading: a write is refused: reading': (slot) => {
    slot.refuses(() => slot.live.write(() => {}));
    slot.refuses(() => slot.live.resize(8));
    slot.refuses(() => slot.live.seal());
  },
  'live: write or lend for writing: writing': (slot) => slot.lend('write'),
  'writing: the writer ends: live': release,
  'writing: any other access is refused: writing': (slot) => {
    slot.refuses(() => slot.live.write(() => {}));
    slot.refuses(() => slot.live.read(() => {}));
  },
  'live: dispose: free': dispose,
  'live: seal: free': (slot) => void slot.live.seal(),
  'live: the phase ends: free': async (slot) => {
    slot.live.dispose();
    await slot.fixture.memory.phase((phase) => {
      slot.secret = phase.allocateSync(LENGTH);
      slot.live.write((bytes) => bytes.fill(0xa5));
    });
  },
  'live: resize moves it: free': (slot) => {
    const { live } = slot;
    live.resize(1_000);
    slot.secret = undefined;
    expect(slot.fixture.memory.stats().primary.slabs.map((slab) => slab.live)).toEqual([0, 1]);
    live.dispose();
  },
  'live: verify finds a broken canary: live': (slot) => {
    slot.breakCanary();
    expect(() => slot.fixture.memory.verify()).toThrow(/overwritten/);
    expect(slot.fixture.memory.verify().ok).toBe(true);
  },
  'live: dispose finds a broken canary, then or before: damaged': (slot) => {
    const before = new Slot();
    before.allocate();
    before.breakCanary();
    expect(() => before.fixture.memory.verify()).toThrow(/overwritten/);
    before.live.dispose();
    expect(before.fixture.memory.stats().quarantine.damagedSlots).toBe(1);
    slot.disposeDamaged();
  },
  'live: the backend fails to look around it: damaged': () => {
    const slot = new Slot({ capabilities: { views: 'none' } });
    slot.allocate();
    slot.fixture.backend.fail('read');
    expect(thrown(() => slot.live.dispose()).code).toBe('ERR_SECMEM_PLATFORM');
    return slot;
  },
  'reading: dispose: ending': dispose,
  'writing: dispose: ending': dispose,
  'ending: one of several readers ends: ending': async () => {
    const slot = await Slot.in('reading');
    slot.lend('read');
    slot.live.dispose();
    slot.release();
    expect(await slot.state()).toBe('ending');
  },
  'ending: the last access ends: free': release,
  'ending: the last access ends beside a broken canary: damaged': (slot) => {
    slot.breakCanary();
    expect(() => slot.release()).toThrow(/overwritten/);
  },
  'reading: the view escaped or is stuck: quarantined': letEscape,
  'writing: the view escaped or is stuck: quarantined': letEscape,
  'ending: the view escaped or is stuck: quarantined': letEscape,
  'quarantined: the last alias is garbage under another lease: quarantined': async () => {
    const slot = await Slot.in('reading');
    slot.lend('read');
    slot.escape();
    slot.fixture.kernel.releaseAliases();
    expect(sweep(slot.fixture)).toBe(1);
    expect(await slot.state()).toBe('quarantined');
    slot.release();
    expect(sweep(slot.fixture)).toBe(0);
  },
  'quarantined: the last alias is garbage: free': aliasDies,
  'live: purge: gone': purgeAway,
  'reading: purge: purged': purge,
  'writing: purge: purged': purge,
  'ending: purge: purged': purge,
  'quarantined: purge: purged': purge,
  'purged: the last view is closed or garbage: gone': release,
  'purged: the view escaped or is stuck: purged': letEscape,
  'free: the region was idle: gone': async ({ fixture }) => {
    await expect.poll(() => fixture.kernel.regionCount).toBe(0);
  },
  'free: somebody needs the pages: gone': ({ fixture }): Promise<void> => {
    fixture.kernel.setLockLimit({ kind: 'bytes', byteLength: 2 * PAGE });
    const [first] = fixture.kernel.regionIds;
    const larger = fixture.memory.allocateSync(2 * PAGE);
    expect(fixture.kernel.regionIds).not.toContain(first);
    larger.dispose();
    fixture.memory.purge();
    return departed(fixture.memory);
  },
  'free: purge: gone': purgeAway,
  'damaged: purge: gone': purgeAway,
};

describe('the life of a slot', () => {
  const edges = drawing('The life of a slot');

  it('is drawn with the edges that are walked here', () => {
    expect(edges).toEqual(Object.keys(SLOT_EDGES).sort());
  });

  it.each(edges)('takes the edge %s', async (edge) => {
    const [from, , to] = edge.split(': ') as [string, string, string];
    const slot = await Slot.in(from);
    const walked = (await SLOT_EDGES[edge]?.(slot)) ?? slot;
    await turn();
    expect(await walked.state()).toBe(to);
  });

  it('takes the edge from purged to gone also when the view escaped first', async () => {
    const slot = await Slot.in('purged');
    slot.escape();
    slot.fixture.kernel.releaseAliases();
    sweep(slot.fixture);
    await sleep(5);
    expect(await slot.state()).toBe('gone');
  });
});
