import { longestRun } from './extents.js';
import type { Gap } from './gap.js';
import { MixedSlabs } from './mixed-slabs.js';
import type { Place, PlaceHost } from './place-host.js';
import type { Region } from './region.js';
import { newShelf, type Shelf, topOf } from './shelf.js';
import {
  classOfLength,
  pageShareByteLengthMax,
  slabByteLengthFor,
  slotsPerSlab,
  strideOf,
  thriftySlabByteLength,
} from './size-classes.js';
import { MIXED, Slab, type SlabOwner } from './slab.js';

/** In bytes. A secret up to here gets a slab that is cut evenly, the first of its length as well: it is what is many, mostly. */
export const SHORT_BYTE_LENGTH = 128;
const MANY_MIN = 4;

/** So many of a length in mixed slabs are many: the next slab for it is cut evenly. */
export function manyOf(slotByteLength: number, pageByteLength: number): number {
  return Math.max(MANY_MIN, slotsPerSlab(pageByteLength, slotByteLength) / 2);
}

/**
 * The slabs of one backend: those that are cut evenly, by size class, and those in which lengths are mixed. Knows slabs, not
 * limits: regions come from the caller, and empty slabs go back to it.
 *
 * An empty slab keeps its class until its region is wanted for something else or has been idle, so that allocating and
 * disposing one secret over and over costs no system call.
 */
export class SlabPool implements SlabOwner {
  readonly slabs = new Set<Slab>();
  readonly mixed: MixedSlabs;
  /** Slabs without a secret. */
  emptyCount = 0;
  /** A sweep is already scheduled, so `onEmpty` need not ask for one. Written by `Vacancies`. */
  sweepIsDue = false;

  /** Made when they are first asked for. */
  readonly #shelves: (Shelf | undefined)[] = [];
  readonly #pageByteLength: number;
  readonly #pooledByteLengthMax: number;
  readonly #onEmptySlab: () => void;
  /** Even slabs of one page: what may be loosened. */
  readonly #loosenable = new Set<Slab>();

  /** Longer secrets than `pooledByteLengthMax` are placed in mixed slabs, if at all. */
  constructor(pooledByteLengthMax: number, pageByteLength: number, onEmptySlab: () => void) {
    this.#pooledByteLengthMax = pooledByteLengthMax;
    this.#pageByteLength = pageByteLength;
    this.#onEmptySlab = onEmptySlab;
    this.mixed = new MixedSlabs(pageShareByteLengthMax(pageByteLength));
  }

  /** A slab of the class to take a slot of, or undefined where a new page comes first. */
  slabWithFree(classIndex: number): Slab | undefined {
    const shelf = this.#shelves[classIndex];
    return shelf === undefined ? undefined : topOf(shelf);
  }

  /** The same where no page is to be had: also the slab of a slot that has not rested enough. */
  slabWithAny(classIndex: number): Slab | undefined {
    const shelf = this.#shelves[classIndex];
    return shelf === undefined ? undefined : (topOf(shelf) ?? shelf.resting.first());
  }

  /** The same for a length; undefined also where that has a region of its own. */
  slabFor(byteLength: number): Slab | undefined {
    if (byteLength > this.#pooledByteLengthMax) return undefined;
    const shelf = this.#shelves[(byteLength + 7) >>> 3];
    return shelf === undefined ? undefined : topOf(shelf);
  }

  /** Takes a slot of a slab that was given in this step to take one of. */
  takeFrom(slab: Slab, byteLength: number): number {
    if (slab.live === 0) this.#onFirst(slab);
    const index = slab.take(byteLength);
    if (index < 0) return this.#takeResting(slab, byteLength);
    if (!slab.hasFree) this.#unlist(slab);
    return index;
  }

  /** Takes the head of a gap. */
  takeGap(gap: Gap, byteLength: number): Place {
    const { host } = gap;
    const wasEmpty = host.live === 0;
    const index = this.mixed.take(gap, byteLength);
    if (wasEmpty) this.#onFirst(host);
    this.#shelf(classOfLength(byteLength)).mixed++;
    return { host, index };
  }

  /** Free slots of a class, in the even slabs that are there. */
  freeSlots(classIndex: number): number {
    const shelf = this.#shelves[classIndex];
    if (shelf === undefined) return 0;
    let free = shelf.resting.size;
    for (const slab of shelf.withFree) free += slab.freeSlots - slab.resting;
    return free;
  }

  /** The smallest region, in bytes, that holds `count` slots of the class. */
  byteLengthFor(classIndex: number, count: number): number {
    return slabByteLengthFor(count, classIndex * 8, this.#pageByteLength);
  }

  /**
   * Whether the next slab for the class is cut evenly: it is short, or there were many of it, or it is longer than what
   * shares a page. `slabByteLengthMax` is the largest slab there may be.
   */
  cutsEvenly(classIndex: number, slabByteLengthMax: number): boolean {
    const slotByteLength = classIndex * 8;
    const page = this.#pageByteLength;
    if (slotByteLength <= SHORT_BYTE_LENGTH) return true;
    if (slotByteLength > pageShareByteLengthMax(page)) return true;
    if (classIndex > classOfLength(this.#pooledByteLengthMax)) return false;
    if (this.#shelf(classIndex).mixed < manyOf(slotByteLength, page)) return false;
    return thriftySlabByteLength(slotByteLength, page) <= slabByteLengthMax;
  }

  /** The region that the class would like next when `count` slots are wanted, in bytes. */
  preferredByteLength(classIndex: number, count: number, slabByteLengthMax: number): number {
    const { growthPages } = this.#shelf(classIndex);
    const wanted = Math.max(
      growthPages * this.#pageByteLength,
      thriftySlabByteLength(classIndex * 8, this.#pageByteLength),
      this.byteLengthFor(classIndex, count),
    );
    return Math.min(wanted, Math.max(slabByteLengthMax, this.byteLengthFor(classIndex, 1)));
  }

  /** Cuts a region, which reads zero, into slots of the class; with `MIXED` into what is asked for. */
  adopt(region: Region, classIndex: number): Slab {
    const slab = new Slab(region, classIndex, this);
    const pages = region.byteLength / this.#pageByteLength;
    this.slabs.add(slab);
    this.emptyCount++;
    if (classIndex !== MIXED) {
      const shelf = this.#shelf(classIndex);
      if (pages >= shelf.growthPages) shelf.growthPages = pages * 2;
      if (pages === 1) this.#loosenable.add(slab);
    }
    this.#offer(slab);
    return slab;
  }

  /**
   * Loosens the slab in which a secret of the class would fit best; false where there is none. Throws what the backend throws,
   * and then nothing has changed.
   */
  loosenFor(classIndex: number): boolean {
    const best = this.#loosest(classIndex);
    if (best === undefined) return false;
    this.close(best);
    try {
      best.loosen();
      this.#loosenable.delete(best);
    } finally {
      this.reopen(best);
    }
    return true;
  }

  /** Whether a secret of the class may find a place in the slabs that are there; yes too often where they are in pieces. */
  mayHold(classIndex: number): boolean {
    if (this.slabWithAny(classIndex) !== undefined || this.mixed.mayHold(classIndex)) return true;
    return this.#loosest(classIndex) !== undefined;
  }

  /** No set finds a place in slabs that needs more bytes than this, one canary counted with each secret. */
  get freeByteLength(): number {
    let total = this.mixed.byteLength;
    for (const slab of this.slabs) {
      // An empty one may be cut anew, or be a region for one secret.
      if (slab.live === 0) total += slab.region.byteLength;
      else if (slab.classIndex !== MIXED)
        total += slab.freeSlots * strideOf(slab.classIndex) + slab.tailByteLength;
    }
    return total;
  }

  /** Gives up a slab: nothing more comes from it. Its region is the caller's again. */
  abandon(slab: Slab): void {
    if (slab.live === 0 && this.slabs.has(slab)) this.emptyCount--;
    this.slabs.delete(slab);
    this.#loosenable.delete(slab);
    this.close(slab);
    const shelf = this.#shelves[slab.classIndex];
    if (shelf === undefined || shelf.withFree.length > 0) return;
    shelf.growthPages = 1;
    shelf.mixed = 0;
  }

  /** Takes no new secrets into a slab; those in it stay. */
  close(slab: Slab): void {
    if (slab.closedToNew) return;
    slab.closedToNew = true;
    if (slab.classIndex === MIXED) {
      this.mixed.close(slab);
      return;
    }
    this.#unlist(slab);
    this.#shelf(slab.classIndex).resting.close(slab);
  }

  /** Takes new secrets again, unless it is kept for somebody. */
  reopen(slab: Slab): void {
    if (!slab.closedToNew || slab.reserved) return;
    slab.closedToNew = false;
    this.#offer(slab);
  }

  /** Slabs without a secret and without a quarantined slot. */
  *empties(): Generator<Slab> {
    if (this.emptyCount === 0) return;
    for (const slab of this.slabs) if (slab.live === 0 && slab.quarantined === 0) yield slab;
  }

  onSlotFree(slab: Slab): void {
    const { withFree } = this.#shelf(slab.classIndex);
    slab.listIndex = withFree.length;
    withFree.push(slab);
  }

  onSlotResting(slab: Slab): void {
    this.#shelf(slab.classIndex).resting.add(slab);
  }

  onGap(gap: Gap): void {
    this.mixed.add(gap);
  }

  onEmpty(_slab: Slab): void {
    this.emptyCount++;
    if (!this.sweepIsDue) this.#onEmptySlab();
  }

  #shelf(classIndex: number): Shelf {
    const shelf = this.#shelves[classIndex];
    if (shelf !== undefined) return shelf;
    // Without holes, so that the compiler knows what it reads.
    while (this.#shelves.length < classIndex) this.#shelves.push(undefined);
    const made = newShelf(classIndex);
    this.#shelves[classIndex] = made;
    return made;
  }

  #loosest(classIndex: number): Slab | undefined {
    const needed = classIndex * 8;
    let best: Slab | undefined;
    let bestRun = Number.POSITIVE_INFINITY;
    for (const slab of this.#loosenable) {
      // Cheaply first: all of its free slots and its tail in one run.
      const bound = slab.freeSlots * strideOf(slab.classIndex) + slab.tailByteLength;
      if (slab.closedToNew || bound < strideOf(classIndex)) continue;
      const run = longestRun(slab);
      if (run < needed || run >= bestRun) continue;
      best = slab;
      bestRun = run;
    }
    return best;
  }

  /** Whatever is free in it can be taken. */
  #offer(slab: Slab): void {
    if (slab.classIndex === MIXED) {
      this.mixed.open(slab);
      return;
    }
    if (slab.hasFree) this.onSlotFree(slab);
    this.#shelf(slab.classIndex).resting.open(slab);
  }

  #takeResting(slab: Slab, byteLength: number): number {
    this.#shelf(slab.classIndex).resting.taken();
    return slab.takeResting(byteLength);
  }

  /** An empty slab is used again. */
  #onFirst({ region }: PlaceHost): void {
    this.emptyCount--;
    region.idle = false;
  }

  /** Constant time: the last of the list takes the place of the one that goes. */
  #unlist(slab: Slab): void {
    if (slab.listIndex < 0) return;
    const { withFree } = this.#shelf(slab.classIndex);
    const last = withFree.pop() as Slab;
    if (last !== slab) {
      withFree[slab.listIndex] = last;
      last.listIndex = slab.listIndex;
    }
    slab.listIndex = -1;
  }
}
