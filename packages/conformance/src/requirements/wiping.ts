import { pattern, scratch } from '../bytes.js';
import { Marker } from '../evidence/marker.js';
import { expect, expectEqual, expectFilled, expectSame } from '../expectation.js';
import type { Requirement } from '../requirement.js';
import { levelsOf } from './protection.js';

interface UnmapRefused {
  readonly error?: { readonly code?: string };
  readonly readError?: { readonly code?: string };
  readonly firstLeft: number;
}

export const wiping: readonly Requirement[] = [
  {
    id: 'wipe-exact',
    group: 'wiping',
    sentence: 'wipe zeroes its range and not one byte more or less',
    contract: 'MemoryBackend.wipe',
    run: (context) => {
      const { backend, page } = context;
      const ranges = [
        [0, 1],
        [1, 62],
        [page - 1, 2],
        [3 * page - 1, 1],
        [17, 2 * page],
        [0, 3 * page],
        [5, 0],
      ];
      for (const [offset = 0, length = 0] of ranges) {
        const region = context.map(3);
        backend.write(region, 0, pattern(3 * page, 3));
        backend.wipe(region, offset, length);
        const actual = scratch(3 * page);
        backend.read(region, 0, actual);
        const expected = pattern(3 * page, 3).fill(0, offset, offset + length);
        expectSame(actual, expected, `after wipe of ${length} bytes at ${offset}`);
        backend.unmap(region);
      }
    },
  },
  {
    id: 'wipe-at-once',
    group: 'wiping',
    sentence: 'wipe has removed the bytes from the memory of the process when it returns',
    contract: 'MemoryBackend.wipe',
    run: async (context) => {
      const { backend, evidence } = context;
      if (context.capabilities.kernelHidden) {
        // Nobody else can read the region, so only copies outside of it could be found.
        return expectNoCopyAfterWipe(context);
      }
      const region = context.map();
      const marker = new Marker();
      marker.lend((bytes) => backend.write(region, 40, bytes));
      expectEqual(await evidence.copies(marker), 1, 'copies of the bytes before wipe');
      backend.wipe(region, 40, marker.byteLength);
      expectEqual(await evidence.copies(marker), 0, 'copies of the bytes after wipe');
    },
  },
  {
    id: 'wipe-closed',
    group: 'wiping',
    sentence: 'wipe of a closed region reaches memory itself, as another reader sees it',
    contract: 'MemoryBackend.wipe',
    run: async (context) => {
      const { backend, evidence, page } = context;
      for (const level of [...levelsOf(context.capabilities), 'read-write'] as const) {
        const { region, place } = await context.mapPlaced();
        backend.write(region, 0, pattern(page, 9));
        backend.protect(region, level);
        backend.wipe(region, 0, page);
        const content = await evidence.content(place, 0, page);
        if (content !== 'unreadable') expectFilled(content, 0, `a ${level} region after wipe`);
        backend.unmap(region);
      }
    },
  },
  {
    id: 'unmap-wipes',
    group: 'wiping',
    sentence:
      'unmap wipes before it releases: if the release is refused the bytes are gone all the same',
    contract: 'MemoryBackend.unmap',
    run: async (context) => {
      if (context.capabilities.locking === 'none') {
        // Ordinary memory is not released by a system call that could be refused.
        return expectNoCopyAfterUnmap(context);
      }
      const seen = await context.evidence.task<UnmapRefused>('unmapRefused', {
        byteLength: 2 * context.page,
      });
      expect(seen.error !== undefined, 'unmap should throw when the system refuses the release');
      expect(seen.readError === undefined, 'the region should still be live');
      expectEqual(seen.firstLeft, -1, 'the first byte that was not wiped');
    },
  },
];

async function expectNoCopyAfterWipe(context: Parameters<Requirement['run']>[0]): Promise<void> {
  const region = context.map();
  const marker = new Marker();
  marker.lend((bytes) => context.backend.write(region, 40, bytes));
  expectEqual(await context.evidence.copies(marker), 0, 'copies outside of the hidden region');
  context.backend.wipe(region, 40, marker.byteLength);
  const actual = scratch(marker.byteLength, 1);
  context.backend.read(region, 40, actual);
  expectFilled(actual, 0, 'the range after wipe');
}

async function expectNoCopyAfterUnmap(context: Parameters<Requirement['run']>[0]): Promise<void> {
  const region = context.map();
  const marker = new Marker();
  marker.lend((bytes) => context.backend.write(region, 40, bytes));
  expectEqual(await context.evidence.copies(marker), 1, 'copies of the bytes before unmap');
  context.backend.unmap(region);
  expectEqual(await context.evidence.copies(marker), 0, 'copies of the bytes after unmap');
}
