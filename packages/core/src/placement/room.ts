import type { MemoryBackend } from '../contract/backend.js';
import {
  integer,
  POOLED_BYTE_LENGTH_MAX,
  REGION_BYTE_LENGTH_MAX,
  SLAB_BYTE_LENGTH_MAX,
} from '../options.js';
import { OwnRegion } from './own-region.js';
import { sizeClasses, slabByteLengthFor, slotsPerSlab } from './size-classes.js';

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
 * options, nothing else being there. It counts as the allocator places: slabs that double, and one page at a time where no
 * larger one fits. Changes nothing. `RangeError` for bad lengths.
 */
export function roomFor(
  backend: Pick<MemoryBackend, 'pageByteLength' | 'capabilities'>,
  byteLength: number,
  limitByteLength: number,
): Room {
  integer('byteLength', byteLength, 1, REGION_BYTE_LENGTH_MAX);
  integer('limitByteLength', limitByteLength, 0);
  const { pageByteLength: page, capabilities } = backend;
  const slot = sizeClasses(POOLED_BYTE_LENGTH_MAX).find((size) => size >= byteLength);
  if (slot === undefined) {
    const each = OwnRegion.byteLengthFor(byteLength, page, capabilities.guardPages);
    const secrets = Math.floor(limitByteLength / each);
    return { route: 'own', secrets, byteLengthEach: each };
  }
  const least = slabByteLengthFor(1, slot, page);
  const slabMax = Math.max(SLAB_BYTE_LENGTH_MAX, least);
  let left = Math.floor(limitByteLength / page) * page;
  let secrets = 0;
  for (let preferred = least; left >= least; preferred = Math.min(preferred * 2, slabMax)) {
    const slab = Math.min(preferred, left);
    secrets += slotsPerSlab(slab, slot);
    left -= slab;
    if (slab < slabMax) continue;
    const more = Math.floor(left / slabMax);
    secrets += more * slotsPerSlab(slabMax, slot);
    left -= more * slabMax;
  }
  const byteLengthEach = slabMax / slotsPerSlab(slabMax, slot);
  return { route: 'pooled', secrets, byteLengthEach };
}
