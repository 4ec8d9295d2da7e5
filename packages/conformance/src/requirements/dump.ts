import { pattern, scratch } from '../bytes.js';
import type { Context } from '../context.js';
import { Marker } from '../evidence/marker.js';
import { expect, expectEqual } from '../expectation.js';
import { levelsOf } from '../levels.js';
import type { Requirement } from '../requirement.js';

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
      for (const pages of [1, 4, context.manyPages]) {
        const { region, place } = await context.mapPlaced(pages);
        const what = `a region of ${pages} pages is not excluded as a whole`;
        expect(place.untouched.dumpExcluded, `${what} before anybody touched it`);
        expect((await context.evidence.facts(place)).dumpExcluded, what);
        context.backend.unmap(region);
      }
    },
    instead: 'inspect calls no region excluded from core files',
    otherwise: claimsNoExclusion,
  },
  {
    id: 'dump-flag-survives',
    group: 'dump',
    sentence:
      'a region stays excluded from core files through every change of protection and every use',
    contract: 'BackendCapabilities.dumpExclusion',
    capability: 'dumpExclusion',
    claims,
    run: async (context) => {
      const { backend, page } = context;
      const { region, place } = await context.mapPlaced(3);
      const { dumpExcluded } = place.untouched;
      for (const level of [...levelsOf(context.capabilities), 'read-write'] as const) {
        backend.protect(region, level);
        const closed = await context.evidence.facts(place);
        expectEqual(closed.dumpExcluded, dumpExcluded, `excluded after protect(${level})`);
        backend.write(region, page, pattern(64, 1));
        backend.read(region, page, scratch(64));
        backend.wipe(region, page, 64);
        backend.inspect([region]);
        const used = await context.evidence.facts(place);
        expectEqual(used.dumpExcluded, dumpExcluded, `excluded after use of a ${level} region`);
      }
    },
    instead: 'inspect calls no region excluded from core files',
    otherwise: claimsNoExclusion,
  },
  {
    id: 'dump-core-file',
    group: 'dump',
    sentence:
      'the core file of a process that aborts has ordinary memory in it and no byte of a region, open or closed',
    contract: 'BackendCapabilities.dumpExclusion',
    capability: 'dumpExclusion',
    claims,
    run: async ({ evidence }) => {
      expect(!(await evidence.coreHolds()), 'the core file holds what was in a region');
    },
    instead:
      'the core file of a process that aborts holds the region, so that a search can find something',
    otherwise: async ({ evidence }) => {
      // Proves that the search of a core file can find something at all.
      expect(
        await evidence.coreHolds(),
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
      const { region, place } = await context.mapPlaced(3);
      const marker = new Marker();
      for (const at of [0, context.page, 2 * context.page]) {
        marker.lend((bytes) => context.backend.write(region, at, bytes));
        const content = await context.evidence.content(place, at, marker.byteLength);
        expect(content === 'unreadable', `another process reads the region at byte ${at}`);
      }
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
