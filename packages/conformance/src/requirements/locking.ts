import type { Context } from '../context.js';
import { expect, expectEqual } from '../expectation.js';
import { levelsOf } from '../levels.js';
import type { Requirement } from '../requirement.js';

const claims = ({ locking }: { readonly locking: 'locked' | 'none' }): boolean =>
  locking === 'locked';

interface Locked {
  readonly before: number;
  readonly during: number;
  readonly after: number;
}

interface AtOnce {
  readonly released: readonly Locked[];
  readonly disposed: Locked;
}

/** Without locking, nothing that a backend does changes what the process has locked. */
async function locksNothing(context: Context): Promise<void> {
  const { backend } = context;
  const before = await context.evidence.counts();
  const region = context.map(4);
  const during = await context.evidence.counts();
  backend.unmap(region);
  expectEqual(during.lockedByteLength, before.lockedByteLength, 'locked bytes with a region');
}

/** Every method is complete when it returns: the bytes are back before anything else can run. */
async function releasesAtOnce({ evidence, page }: Context): Promise<void> {
  const { released, disposed } = await evidence.task<AtOnce>('releaseAtOnce', {});
  for (const { before, during, after } of released) {
    expectEqual(during - before, 2 * page, 'locked bytes that map added');
    expectEqual(after, before, 'locked bytes as soon as unmap returns');
  }
  expectEqual(disposed.after, disposed.before, 'locked bytes as soon as dispose returns');
}

export const locking: readonly Requirement[] = [
  {
    id: 'lock-whole-region',
    group: 'locking',
    sentence: 'map locks every page of a region',
    contract: 'BackendCapabilities.locking',
    capability: 'locking',
    claims,
    run: async (context) => {
      for (const pages of [1, 3, context.manyPages]) {
        const { region, place } = await context.mapPlaced(pages);
        const all = pages * context.page;
        const { lockedByteLength } = place.untouched;
        expectEqual(
          lockedByteLength,
          all,
          `locked bytes of ${pages} pages that nobody touched yet`,
        );
        const now = await context.evidence.facts(place);
        expectEqual(now.lockedByteLength, all, `locked bytes of ${pages} pages`);
        context.backend.unmap(region);
      }
    },
    instead: 'map and unmap change nothing about what the process has locked',
    otherwise: locksNothing,
  },
  {
    id: 'lock-survives-protect',
    group: 'locking',
    sentence: 'a region keeps its lock under every protection that the backend offers',
    contract: 'BackendCapabilities.protection',
    capability: 'locking',
    claims,
    run: async (context) => {
      const { region, place } = await context.mapPlaced(3);
      for (const level of [...levelsOf(context.capabilities), 'read-write'] as const) {
        context.backend.protect(region, level);
        const { lockedByteLength } = await context.evidence.facts(place);
        expectEqual(lockedByteLength, 3 * context.page, `locked bytes of a ${level} region`);
      }
    },
    instead: 'the system has no lock on a region',
    otherwise: async (context) => {
      const { place } = await context.mapPlaced(1);
      const { lockedByteLength } = await context.evidence.facts(place);
      expectEqual(lockedByteLength, 0, 'locked bytes of a region of a backend that locks nothing');
    },
  },
  {
    id: 'lock-released',
    group: 'locking',
    sentence: 'unmap gives every locked byte back',
    contract: 'MemoryBackend.unmap',
    capability: 'locking',
    claims,
    run: async (context) => {
      const { backend } = context;
      const before = await context.evidence.counts();
      for (let round = 0; round < 20; round += 1) {
        const region = context.map(2);
        if (round % 2 === 1)
          backend.protect(region, levelsOf(context.capabilities)[0] ?? 'read-write');
        backend.unmap(region);
      }
      const after = await context.evidence.counts();
      expectEqual(after.lockedByteLength, before.lockedByteLength, 'locked bytes after release');
      await releasesAtOnce(context);
    },
    instead: 'map and unmap change nothing about what the process has locked',
    otherwise: locksNothing,
  },
  {
    id: 'lock-figure',
    group: 'locking',
    sentence: 'lockedByteLength is the figure of the kernel for the whole process',
    contract: 'MemoryBackend.lockedByteLength',
    capability: 'locking',
    claims,
    run: async (context) => {
      const other = context.open();
      context.map(2);
      other.map(3 * context.page);
      const { lockedByteLength } = await context.evidence.counts();
      expect(lockedByteLength >= 5 * context.page, 'the kernel should count both backends');
      for (const backend of [context.backend, other]) {
        const figure = backend.lockedByteLength();
        expect(figure !== 'unknown', 'the kernel tells, so lockedByteLength should not be unknown');
        expectEqual(figure, lockedByteLength, 'lockedByteLength');
      }
    },
    instead: 'lockedByteLength is unknown, or the figure of the kernel',
    otherwise: async (context) => {
      const figure = context.backend.lockedByteLength();
      if (figure === 'unknown') return;
      expectEqual(figure, (await context.evidence.counts()).lockedByteLength, 'lockedByteLength');
    },
  },
];
