import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isSecureMemoryError, type Lease, type Secret } from '../src/index.js';
import { type Fixture, open, sleep, turn } from './fixture.js';

/** Every edge that a drawing of docs/ARCHITECTURE.md has, as `from: event: to`. */
function drawing(heading: string): string[] {
  const url = new URL('../../../docs/ARCHITECTURE.md', import.meta.url);
  const section = readFileSync(url, 'utf8').split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const diagram = section.match(/```mermaid\n([^`]+)```/)?.[1] ?? '';
  return [...diagram.matchAll(/^ +(\S+) --> (\S+): (.+)$/gm)]
    .map(([, from, to, event]) => `${from}: ${event}: ${to}`)
    .sort();
}

const LENGTH = 40;

/** One secret in one slab, and whatever accesses are open. */
class Slot {
  readonly fixture: Fixture;
  secret: Secret | undefined;
  readonly leases: Lease[] = [];

  constructor() {
    this.fixture = open({ idleMs: 2, quarantineMax: 8 });
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
    this.secret.write((bytes) => bytes.fill(0xa5));
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

  disposeDamaged(): void {
    const { kernel } = this.fixture;
    kernel.poke(kernel.regionIds[0] as never, 8 + LENGTH, Uint8Array.of(1, 2, 3));
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
const release = (slot: Slot): void => slot.release();
const letEscape = (slot: Slot): void => slot.escape();
const aliasDies = ({ fixture }: Slot): void => {
  fixture.kernel.releaseAliases();
  expect(sweep(fixture)).toBe(0);
};

/** Asks for more than there can be, upon which core looks for what became free. */
function sweep({ memory }: Fixture): number {
  try {
    memory.allocateSync(2 ** 20);
  } catch {
    // It was too much, as it had to be.
  }
  return memory.stats().quarantine.slots;
}

/** How to take each edge. What has no entry here, or none in the drawing, fails the first test. */
const SLOT_EDGES: Record<string, (slot: Slot) => void | Promise<void>> = {
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
  'live: dispose finds a broken canary: damaged': (slot) => slot.disposeDamaged(),
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
  'live: purge: gone': purge,
  'reading: purge: purged': purge,
  'writing: purge: purged': purge,
  'ending: purge: purged': purge,
  'quarantined: purge: purged': purge,
  'purged: the last view is closed or garbage: gone': release,
  'purged: the view escaped or is stuck: purged': letEscape,
  'free: the region was idle: gone': async ({ fixture }) => {
    await expect.poll(() => fixture.kernel.regionCount).toBe(0);
  },
  'damaged: purge: gone': purge,
};

describe('the life of a slot', () => {
  const edges = drawing('The life of a slot');

  it('is drawn with the edges that are walked here', () => {
    expect(edges).toEqual(Object.keys(SLOT_EDGES).sort());
  });

  it.each(edges)('takes the edge %s', async (edge) => {
    const [from, , to] = edge.split(': ') as [string, string, string];
    const slot = await Slot.in(from);
    await SLOT_EDGES[edge]?.(slot);
    await turn();
    expect(await slot.state()).toBe(to);
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

/** One slab with two secrets, closed at rest. */
class Page {
  readonly fixture = open({ atRest: 'no-access', idleMs: 60_000 });
  readonly leases: Lease[] = [];
  secrets: Secret[] = [];

  static async in(state: string): Promise<Page> {
    const page = new Page();
    if (state === '[*]') return page;
    page.secrets = page.fixture.memory.allocateAllSync([LENGTH, LENGTH]);
    await turn();
    if (state === 'readable') page.lend(0, 'read');
    if (state === 'open' || state === 'pinned') page.lend(0, 'write');
    if (state === 'pinned') page.escape();
    expect(page.state()).toBe(state);
    return page;
  }

  lend(i: number, mode: 'read' | 'write'): void {
    this.leases.push((this.secrets[i] as Secret).lend({ mode }));
  }

  escape(): void {
    this.fixture.kernel.nextViewOutcome('escaped');
    expect(() => this.leases.pop()?.release()).toThrow(/transferred/);
  }

  state(): string {
    const { kernel, memory } = this.fixture;
    const protection = kernel.protectionOf(kernel.regionIds[0] as never);
    if (protection === 'no-access') return 'closed';
    if (protection === 'read-only') return 'readable';
    const pinned = memory.stats().quarantine.slots > 0;
    return pinned ? 'pinned' : 'open';
  }
}

const endOfTurn = async (page: Page): Promise<void> => {
  const before = page.state();
  page.leases.pop()?.release();
  expect(page.state(), 'leaving an access closes nothing by itself').toBe(before);
  await turn();
};

const PAGE_EDGES: Record<string, (page: Page) => void | Promise<void>> = {
  '[*]: map: open': (page) => {
    page.secrets = page.fixture.memory.allocateAllSync([LENGTH, LENGTH]);
  },
  'open: end of turn with no access: closed': endOfTurn,
  'open: end of turn with readers only: readable': async (page) => {
    page.lend(1, 'read');
    page.leases.shift()?.release();
    expect(page.state()).toBe('open');
    await turn();
  },
  'closed: read: readable': (page) => page.lend(0, 'read'),
  'readable: another read: readable': (page) => {
    page.lend(0, 'read');
    page.lend(1, 'read');
  },
  'readable: write: open': (page) => page.lend(1, 'write'),
  'readable: end of turn with no access: closed': endOfTurn,
  'closed: write, or dispose wipes: open': async () => {
    const written = await Page.in('closed');
    written.lend(0, 'write');
    expect(written.state()).toBe('open');
    const disposed = await Page.in('closed');
    disposed.secrets[0]?.dispose();
    expect(disposed.state()).toBe('open');
  },
  'open: read or write: open': (page) => {
    page.lend(1, 'read');
    page.leases.pop()?.release();
    page.lend(1, 'write');
  },
  'open: a view escaped or is stuck: pinned': (page) => page.escape(),
  'readable: a view escaped or is stuck: pinned': (page) => page.escape(),
  'pinned: the last alias is garbage: closed': async ({ fixture }) => {
    fixture.kernel.releaseAliases();
    sweep(fixture);
    await turn();
  },
};

describe('the protection of a slab', () => {
  const edges = drawing('Who may touch a page, and when');

  it('is drawn with the edges that are walked here', () => {
    expect(edges).toEqual(Object.keys(PAGE_EDGES).sort());
  });

  /** These end in a state that lasts until the end of the turn, so nothing may be awaited before looking. */
  it.each(edges)('takes the edge %s', async (edge) => {
    const [from, , to] = edge.split(': ') as [string, string, string];
    const page = await Page.in(from);
    const walking = PAGE_EDGES[edge]?.(page);
    if (walking !== undefined) {
      await walking;
      if (edge.startsWith('closed: write')) return;
    }
    expect(page.state()).toBe(to);
  });

  it('closes once for a thousand secrets that are disposed in one turn', async () => {
    const { memory, kernel } = open({ atRest: 'no-access', idleMs: 60_000 });
    const secrets = memory.allocateAllSync(new Array(50).fill(64));
    await turn();
    const before = kernel.calls.protect;
    for (const secret of secrets) secret.dispose();
    await turn();
    expect(kernel.calls.protect - before).toBe(2);
  });
});
