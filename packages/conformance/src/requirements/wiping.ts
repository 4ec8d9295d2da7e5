import type { Protection, RegionId } from '@securemem/core/contract';
import { pattern, scratch } from '../bytes.js';
import type { Context } from '../context.js';
import { Marker } from '../evidence/marker.js';
import { expect, expectEqual, expectFilled, expectSame } from '../expectation.js';
import { levelsOf } from '../levels.js';
import type { Requirement } from '../requirement.js';

interface UnmapRefused {
  readonly error?: { readonly code?: string };
  readonly readError?: { readonly code?: string };
  readonly left: number;
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
    sentence:
      'wipe has removed the bytes from the memory of the process when it returns, however they were used',
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
      useAll(context, region, marker.byteLength);
      expectEqual(await evidence.copies(marker), 1, 'copies of the bytes after every kind of use');
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
      'unmap wipes before it releases, closed regions too: if the release is refused the bytes are gone all the same',
    contract: 'MemoryBackend.unmap',
    run: async (context) => {
      if (context.capabilities.locking === 'none') {
        // Ordinary memory is not released by a system call that could be refused.
        return expectNoCopyAfterUnmap(context);
      }
      const byteLength = 3 * context.page;
      const levels = [undefined, ...levelsOf(context.capabilities)] as const;
      const ask = (level: Protection | undefined) =>
        context.evidence.task<UnmapRefused>('unmapRefused', { byteLength, level });
      for (const [index, seen] of (await Promise.all(levels.map(ask))).entries()) {
        const what = `unmap of a region that is ${levels[index] ?? 'read-write'}`;
        expect(seen.error !== undefined, `${what} should throw when the release is refused`);
        expect(seen.readError === undefined, `${what}: the region should still be live`);
        const { left, firstLeft } = seen;
        expect(
          left === 0,
          `${what} left ${left} of ${byteLength} bytes, the first at ${firstLeft}`,
        );
      }
    },
  },
];

/** Everything that a caller does with bytes, leaving none of its own behind. */
function useAll({ backend, capabilities }: Context, region: RegionId, byteLength: number): void {
  const target = scratch(byteLength);
  backend.read(region, 40, target);
  target.fill(0);
  if (capabilities.views === 'revocable') backend.openView(region, 40, byteLength).close();
  for (const level of [...levelsOf(capabilities), 'read-write'] as const) {
    backend.protect(region, level);
    backend.read(region, 40, target);
    target.fill(0);
  }
  backend.inspect([region]);
}

async function expectNoCopyAfterWipe(context: Context): Promise<void> {
  const region = context.map();
  const marker = new Marker();
  marker.lend((bytes) => context.backend.write(region, 40, bytes));
  useAll(context, region, marker.byteLength);
  expectEqual(await context.evidence.copies(marker), 0, 'copies outside of the hidden region');
  context.backend.wipe(region, 40, marker.byteLength);
  const actual = scratch(marker.byteLength, 1);
  context.backend.read(region, 40, actual);
  expectFilled(actual, 0, 'the range after wipe');
}

async function expectNoCopyAfterUnmap(context: Context): Promise<void> {
  const region = context.map();
  const marker = new Marker();
  marker.lend((bytes) => context.backend.write(region, 40, bytes));
  expectEqual(await context.evidence.copies(marker), 1, 'copies of the bytes before unmap');
  context.backend.unmap(region);
  expectEqual(await context.evidence.copies(marker), 0, 'copies of the bytes after unmap');
}
