import type { Context } from '../context.js';
import { Marker } from '../evidence/marker.js';
import { expect, expectEqual } from '../expectation.js';
import type { Requirement } from '../requirement.js';
import { levelsOf } from './protection.js';

const claims = ({ dumpExclusion }: { readonly dumpExclusion: boolean }): boolean => dumpExclusion;

/** Without the capability nothing is promised, and inspect must not promise it either. */
function claimsNoExclusion(context: Context): void {
  const [facts] = context.backend.inspect([context.map()]);
  expect(
    facts === 'unknown' || facts?.dumpExcluded === false,
    'inspect says that the region is excluded from core files, and no claim does',
  );
}

export const dump: readonly Requirement[] = [
  {
    id: 'dump-flag',
    group: 'dump',
    sentence: 'the system has every page of a new region marked as excluded from core files',
    contract: 'BackendCapabilities.dumpExclusion',
    capability: 'dumpExclusion',
    claims,
    run: async (context) => {
      const { place } = await context.mapPlaced(4);
      expect((await context.evidence.facts(place)).dumpExcluded, 'the region is not excluded');
    },
    instead: 'inspect calls no region excluded from core files',
    otherwise: claimsNoExclusion,
  },
  {
    id: 'dump-flag-survives',
    group: 'dump',
    sentence: 'a region stays excluded from core files through every change of protection',
    contract: 'BackendCapabilities.dumpExclusion',
    capability: 'dumpExclusion',
    claims,
    run: async (context) => {
      const { region, place } = await context.mapPlaced(2);
      const { dumpExcluded } = await context.evidence.facts(place);
      for (const level of [...levelsOf(context.capabilities), 'read-write'] as const) {
        context.backend.protect(region, level);
        const facts = await context.evidence.facts(place);
        expectEqual(facts.dumpExcluded, dumpExcluded, `excluded after protect(${level})`);
      }
    },
    instead: 'inspect calls no region excluded from core files',
    otherwise: claimsNoExclusion,
  },
  {
    id: 'dump-core-file',
    group: 'dump',
    sentence:
      'the core file of a process that aborts has ordinary memory in it and no byte of a region',
    contract: 'BackendCapabilities.dumpExclusion',
    capability: 'dumpExclusion',
    claims,
    run: async ({ evidence }) => {
      expect(!(await evidence.coreHolds([])), 'the core file holds what was in a region');
    },
    instead:
      'the core file of a process that aborts holds the region, so that a search can find something',
    otherwise: async ({ evidence }) => {
      // Proves that the search of a core file can find something at all.
      expect(
        await evidence.coreHolds([]),
        'the core file does not hold a region that is not excluded',
      );
    },
  },
  {
    id: 'dump-kernel-hidden',
    group: 'dump',
    sentence: 'another process reads nothing of a region through the kernel, not even as root',
    contract: 'BackendCapabilities.kernelHidden',
    capability: 'kernelHidden',
    claims: ({ kernelHidden }) => kernelHidden,
    run: async (context) => {
      const { region, place } = await context.mapPlaced();
      const marker = new Marker();
      marker.lend((bytes) => context.backend.write(region, 0, bytes));
      const content = await context.evidence.content(place, 0, marker.byteLength);
      expectEqual(content, 'unreadable', 'what another process reads');
      expectEqual(await context.evidence.copies(marker), 0, 'copies that another process finds');
    },
    instead: 'another process can read the region, so that a search can find something',
    otherwise: async (context) => {
      // Proves that the other process can read at all.
      const { region, place } = await context.mapPlaced();
      const marker = new Marker();
      marker.lend((bytes) => context.backend.write(region, 0, bytes));
      const content = await context.evidence.content(place, 0, marker.byteLength);
      expect(
        content !== 'unreadable' && marker.matches(content),
        'nobody else can read the region',
      );
    },
  },
];
