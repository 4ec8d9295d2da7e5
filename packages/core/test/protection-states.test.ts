import { describe, expect, it } from 'vitest';
import type { Lease, Secret } from '../src/index.js';
import { drawing, sweep } from './drawing.js';
import { departed, open, thrown, turn } from './fixture.js';

const LENGTH = 40;

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
    if (kernel.regionCount === 0) return '[*]';
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
  'readable: end of turn with readers: readable': async (page) => {
    page.lend(1, 'read');
    await endOfTurn(page);
  },
  'readable: write, or dispose wipes: open': async (page) => {
    const disposing = await Page.in('readable');
    disposing.secrets[1]?.dispose();
    expect(disposing.state()).toBe('open');
    page.lend(1, 'write');
    expect(page.state()).toBe('open');
  },
  'readable: end of turn with no access: closed': endOfTurn,
  'closed: write, or dispose wipes: open': async () => {
    const written = await Page.in('closed');
    written.lend(0, 'write');
    expect(written.state()).toBe('open');
    const disposed = await Page.in('closed');
    disposed.secrets[0]?.dispose();
    expect(disposed.state()).toBe('open');
  },
  'closed: the system refuses to open it: closed': ({ fixture, secrets }) => {
    fixture.kernel.refuse('mprotect');
    expect(thrown(() => secrets[0]?.read(() => 0)).code).toBe('ERR_SECMEM_PLATFORM');
    fixture.kernel.allow('mprotect');
    expect(fixture.memory.stats().openAccesses).toBe(0);
  },
  'open: end of turn with a writer: open': () => turn(),
  'open: the system refuses to close it: open': async (page) => {
    const { kernel, memory } = page.fixture;
    kernel.refuse('mprotect');
    await endOfTurn(page);
    kernel.allow('mprotect');
    expect(memory.stats().events['protection-failed']).toBe(1);
  },
  'open: read or write: open': (page) => {
    page.lend(1, 'read');
    page.leases.pop()?.release();
    page.lend(1, 'write');
  },
  'open: a view escaped or is stuck: pinned': (page) => page.escape(),
  'readable: a view escaped or is stuck: pinned': (page) => page.escape(),
  'pinned: end of turn: pinned': () => turn(),
  'pinned: the last alias is garbage under a reader: readable': async (page) => {
    page.lend(1, 'read');
    page.fixture.kernel.releaseAliases();
    sweep(page.fixture);
    await turn();
  },
  'open: unmap: [*]': (page) => {
    page.leases.pop()?.release();
    return purgeAway(page);
  },
  'closed: unmap: [*]': (page) => purgeAway(page),
  'pinned: the last alias is garbage: closed': async ({ fixture }) => {
    fixture.kernel.releaseAliases();
    sweep(fixture);
    await turn();
  },
};

function purgeAway({ fixture: { memory } }: Page): Promise<void> {
  memory.purge();
  return departed(memory);
}

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
      if (edge.includes('or dispose wipes')) return;
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
