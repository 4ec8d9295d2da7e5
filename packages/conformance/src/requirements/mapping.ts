import type { RegionId } from '@securemem/core/contract';
import { pattern, scratch } from '../bytes.js';
import type { Context } from '../context.js';
import { expect, expectEqual, expectFilled, expectSame } from '../expectation.js';
import type { Requirement } from '../requirement.js';
import { guardsKill } from './guards.js';

/** Eight regions, each full of a pattern of its own. */
function fillSeveral(context: Context): { regions: RegionId[]; byteLength: number } {
  const byteLength = context.page;
  const regions = Array.from({ length: 8 }, () => context.map());
  for (const [index, region] of regions.entries()) {
    context.backend.write(region, 0, pattern(byteLength, index));
  }
  return { regions, byteLength };
}

export const mapping: readonly Requirement[] = [
  {
    id: 'map-zeroed',
    group: 'mapping',
    sentence: 'map gives zero bytes, also where a region full of bytes was released before',
    contract: 'MemoryBackend.map',
    run: (context) => {
      const { backend } = context;
      for (const pages of [1, 4, 1, 4]) {
        const region = context.map(pages);
        const bytes = scratch(pages * context.page, 0xaa);
        backend.read(region, 0, bytes);
        expectFilled(bytes, 0, `a new region of ${pages} pages`);
        backend.write(region, 0, bytes.fill(0x77));
        backend.unmap(region);
      }
    },
  },
  {
    id: 'map-keeps-bytes',
    group: 'mapping',
    sentence: 'write puts every byte of a region where read finds it, for one page and for many',
    contract: 'MemoryBackend.write, MemoryBackend.read',
    run: (context) => {
      for (const pages of [1, 2, 7, 16]) {
        const region = context.map(pages);
        const expected = pattern(pages * context.page, pages);
        context.backend.write(region, 0, expected);
        const actual = scratch(expected.length);
        context.backend.read(region, 0, actual);
        expectSame(actual, expected, `a region of ${pages} pages`);
        context.backend.unmap(region);
      }
    },
  },
  {
    id: 'map-read-write',
    group: 'mapping',
    sentence: 'map gives a region that is read-write as a whole, and not executable',
    contract: 'MemoryBackend.map',
    run: async (context) => {
      for (const pages of [1, 3, context.manyPages]) {
        const { region, place } = await context.mapPlaced(pages);
        for (const facts of [place.untouched, await context.evidence.facts(place)]) {
          expect(facts.mapped, `a region of ${pages} pages should be mapped as a whole`);
          expectEqual(facts.protection, 'read-write', `the protection of ${pages} new pages`);
        }
        context.backend.unmap(region);
      }
    },
  },
  {
    id: 'map-separate',
    group: 'mapping',
    sentence: 'a change of one region leaves every other one as it was',
    contract: 'MemoryBackend.map, write, wipe, unmap',
    run: (context) => {
      const { backend } = context;
      const { regions, byteLength } = fillSeveral(context);
      const [first, second, ...others] = regions as [RegionId, RegionId, ...RegionId[]];
      backend.wipe(first, 0, byteLength);
      backend.write(second, 0, scratch(byteLength, 0xff));
      backend.unmap(second);
      const actual = scratch(byteLength);
      others.forEach((region, index) => {
        backend.read(region, 0, actual);
        expectSame(actual, pattern(byteLength, index + 2), `region ${index + 2} of 8`);
      });
    },
  },
  {
    id: 'map-ids',
    group: 'mapping',
    sentence: 'map gives each live region a number of its own that is no address',
    contract: 'RegionId',
    run: async (context) => {
      const { regions } = fillSeveral(context);
      expect(
        regions.every((region) => typeof region === 'number' && Number.isSafeInteger(region)),
        'an id should be a safe integer',
      );
      expectEqual(new Set(regions).size, regions.length, 'the number of distinct ids');
      const { region, place } = await context.mapPlaced();
      const address = await context.evidence.isInside(place, region);
      expect(!address, 'an id is an address in its region');
    },
  },
  {
    id: 'map-guards',
    group: 'mapping',
    sentence: 'a touch just before or just after a region kills the process',
    contract: 'BackendCapabilities.guardPages',
    capability: 'guardPages',
    claims: ({ guardPages }) => guardPages,
    run: guardsKill,
    instead: 'inspect calls no region guarded',
    otherwise: (context) => {
      const [facts] = context.backend.inspect([context.map()]);
      expect(
        facts === 'unknown' || facts?.guarded === false,
        'inspect says guarded, no claim does',
      );
    },
  },
];
