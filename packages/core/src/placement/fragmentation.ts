import type { Fragmentation } from '../limits/shortage-error.js';
import type { Slab } from './slab.js';

/** What keeps the free bytes of slabs from a request for `requestedByteLength` bytes of pages. */
export function fragmentationOf(
  slabs: Iterable<Slab>,
  heldByteLength: number,
  requestedByteLength: number,
): Fragmentation {
  const partly: Slab[] = [];
  let freeSlotByteLength = 0;
  let longestFreeByteLength = 0;
  for (const slab of slabs) {
    const { freeByteLength, live } = slab;
    freeSlotByteLength += freeByteLength;
    if (live === 0 || freeByteLength === 0) continue;
    partly.push(slab);
    longestFreeByteLength = Math.max(longestFreeByteLength, longestFreeOf(slab));
  }
  return {
    heldByteLength,
    freeSlotByteLength,
    longestFreeByteLength,
    slabsPartlyFree: partly.length,
    ...secretsOf(partly),
    slabsHeldByOneSecret: partly.filter(({ live }) => live === 1).length,
    releasesThatHelp: releasesFor(partly, requestedByteLength),
  };
}

function longestFreeOf({ extents, slotByteLength }: Slab): number {
  let longest = slotByteLength;
  for (const { byteLength } of extents?.gaps() ?? []) longest = Math.max(longest, byteLength);
  return longest;
}

/** The lengths in even slabs are those of their slots: looking at each secret would cost too much where there are many. */
function secretsOf(
  slabs: readonly Slab[],
): Pick<Fragmentation, 'secretsInThem' | 'shortestByteLength' | 'longestByteLength'> {
  const lengths = new Set<number>();
  let secretsInThem = 0;
  for (const slab of slabs) {
    secretsInThem += slab.live;
    if (slab.extents === undefined) lengths.add(slab.slotByteLength);
    else for (const byteLength of slab.lengths()) lengths.add(byteLength);
  }
  const sorted = [...lengths].sort((a, b) => a - b);
  return {
    secretsInThem,
    shortestByteLength: sorted[0] ?? 0,
    longestByteLength: sorted.at(-1) ?? 0,
  };
}

/** The emptiest slabs first, until they have so many bytes. */
function releasesFor(slabs: Slab[], byteLength: number): number {
  let releases = 0;
  let emptied = 0;
  for (const slab of slabs.sort((a, b) => a.live - b.live)) {
    if (emptied >= byteLength) break;
    emptied += slab.region.byteLength;
    releases += slab.live;
  }
  return emptied >= byteLength ? releases : 0;
}
