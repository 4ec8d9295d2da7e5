import { RestingSlots, restedEnough } from './resting.js';
import type { Slab } from './slab.js';

/** The even slabs of one size class. */
export interface Shelf {
  readonly slotByteLength: number;
  /** Slabs with a free slot that was never shown; the last is taken from, so that the others can run empty. */
  readonly withFree: Slab[];
  /** Free slots that were shown: taken when there is no other and enough of them rest, or when no page is to be had. */
  readonly resting: RestingSlots;
  /** Pages of the next slab: doubles with each, so that few secrets cost one page and many cost few mappings. */
  growthPages: number;
  /** Secrets of this class that were placed in mixed slabs since it had a slab of its own. */
  mixed: number;
}

export function newShelf(classIndex: number): Shelf {
  return {
    slotByteLength: classIndex * 8,
    withFree: [],
    resting: new RestingSlots(),
    growthPages: 1,
    mixed: 0,
  };
}

/** The slab to take from next, or undefined where a new page comes first. */
export function topOf({ withFree, resting, slotByteLength }: Shelf): Slab | undefined {
  if (withFree.length > 0) return withFree[withFree.length - 1];
  return restedEnough(resting.size, slotByteLength) ? resting.first() : undefined;
}
