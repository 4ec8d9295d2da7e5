import type { MemoryBackend } from '../contract/backend.js';
import {
  integer,
  POOLED_BYTE_LENGTH_MAX,
  REGION_BYTE_LENGTH_MAX,
  SLAB_BYTE_LENGTH_MAX,
} from '../options.js';
import { OwnRegion } from './own-region.js';
import { TIGHT_PAGES } from './sharing.js';
import {
  classOfLength,
  pageShareByteLengthMax,
  slabByteLengthFor,
  slabByteLengthMaxUnder,
  slotsPerSlab,
  thriftySlabByteLength,
} from './size-classes.js';
import { manyOf, SHORT_BYTE_LENGTH } from './slab-pool.js';

/** What can be known before any secret is there. All counts are of secrets that live at the same time. */
export interface Room {
  readonly route: 'pooled' | 'own';
  /** Secrets that fit into the bytes given. */
  readonly secrets: number;
  /** Locked bytes that one takes when many are there, its share of canaries and slack included. */
  readonly byteLengthEach: number;
}

/**
 * How many secrets of `byteLength` bytes fit into `limitByteLength` bytes of regions of this backend with the default
 * options, nothing else being there. It counts as the allocator places: slabs that double as far as the limit lets them, and
 * mixed pages for what is few and long. Changes nothing. `RangeError` for bad lengths.
 */
export function roomFor(
  backend: Pick<MemoryBackend, 'pageByteLength' | 'capabilities'>,
  byteLength: number,
  limitByteLength: number,
): Room {
  integer('byteLength', byteLength, 1, REGION_BYTE_LENGTH_MAX);
  integer('limitByteLength', limitByteLength, 0);
  const { pageByteLength: page, capabilities } = backend;
  const tight = limitByteLength < TIGHT_PAGES * page;
  const sharedMax = tight ? pageShareByteLengthMax(page) : POOLED_BYTE_LENGTH_MAX;
  if (byteLength > sharedMax) {
    const each = OwnRegion.byteLengthFor(byteLength, page, capabilities.guardPages);
    const secrets = Math.floor(limitByteLength / each);
    return { route: 'own', secrets, byteLengthEach: each };
  }
  const slot = classOfLength(byteLength) * 8;
  const slabMax = Math.min(
    Math.max(SLAB_BYTE_LENGTH_MAX, page),
    slabByteLengthMaxUnder(limitByteLength, page),
  );
  const thrifty = thriftySlabByteLength(slot, page);
  const cutsEvenly = byteLength <= POOLED_BYTE_LENGTH_MAX && thrifty <= slabMax;
  const largest = cutsEvenly ? slabMax : page;
  return {
    route: 'pooled',
    secrets: pooledSecrets(slot, limitByteLength, page, cutsEvenly ? slabMax : 0),
    byteLengthEach: largest / slotsPerSlab(largest, slot),
  };
}

/** With a `slabMax` of 0 all of them are placed in mixed pages. */
function pooledSecrets(slot: number, limit: number, page: number, slabMax: number): number {
  const perPage = slotsPerSlab(page, slot);
  let left = Math.floor(limit / page);
  let secrets = 0;
  let few = slot <= SHORT_BYTE_LENGTH ? 0 : manyOf(slot, page);
  if (slabMax === 0) few = Number.POSITIVE_INFINITY;
  for (; left > 0 && few > 0; left--) {
    secrets += perPage;
    few -= perPage;
  }
  const least = slabByteLengthFor(1, slot, page) / page;
  const most = slabMax / page;
  let preferred = Math.max(least, thriftySlabByteLength(slot, page) / page);
  while (left >= least) {
    const slab = Math.min(preferred, left);
    const count = slab < most ? 1 : Math.floor(left / most);
    secrets += count * slotsPerSlab(slab * page, slot);
    left -= count * slab;
    preferred = Math.min(slab * 2, most);
  }
  return secrets;
}
