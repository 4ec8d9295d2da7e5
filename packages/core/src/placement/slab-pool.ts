import type { Region } from './region.js';
import { RestingSlots, restedEnough } from './resting.js';
import { sizeClasses, slabByteLengthFor, slotsPerSlab } from './size-classes.js';
import { Slab, type SlabOwner } from './slab.js';

/** The slabs of one size class. */
interface Shelf {
  readonly classIndex: number;
  readonly slotByteLength: number;
  /** Slabs with a free slot that was never shown; the last is taken from, so that the others can run empty. */
  readonly withFree: Slab[];
  /** Free slots that were shown: taken when there is no other and enough of them rest, or when no page is to be had. */
  readonly resting: RestingSlots;
  /** Pages of the next slab: doubles with each, so that few secrets cost one page and many cost few mappings. */
  growthPages: number;
}

/** The slab to take from next, or undefined where a new page comes first. */
function topOf({ withFree, resting, slotByteLength }: Shelf): Slab | undefined {
  if (withFree.length > 0) return withFree[withFree.length - 1];
  return restedEnough(resting.size, slotByteLength) ? resting.first() : undefined;
}

/**
 * Slots of all size classes. Knows slabs, not limits: regions come from the caller, and empty slabs go back to it.
 *
 * An empty slab keeps its class until its region is wanted for something else or has been idle, so that allocating and
 * disposing one secret over and over costs no system call.
 */
export class SlabPool implements SlabOwner {
  readonly slabs = new Set<Slab>();
  /** Slabs without a secret. */
  emptyCount = 0;
  /** A sweep is already scheduled, so `onEmpty` need not ask for one. Written by `Vacancies`. */
  sweepIsDue = false;

  readonly #shelves: readonly Shelf[];
  readonly #pooledByteLengthMax: number;
  /** The shelf for each length, in steps of 8 bytes. */
  readonly #shelfByEighth: readonly Shelf[];
  readonly #pageByteLength: number;
  readonly #onEmptySlab: () => void;

  constructor(pooledByteLengthMax: number, pageByteLength: number, onEmptySlab: () => void) {
    this.#pooledByteLengthMax = pooledByteLengthMax;
    this.#pageByteLength = pageByteLength;
    this.#onEmptySlab = onEmptySlab;
    this.#shelves = sizeClasses(pooledByteLengthMax).map((slotByteLength, classIndex) => ({
      classIndex,
      slotByteLength,
      withFree: [],
      resting: new RestingSlots(),
      growthPages: 1,
    }));
    this.#shelfByEighth = Array.from(
      { length: Math.ceil(pooledByteLengthMax / 8) + 1 },
      (_, eighth) => this.#shelves.find((shelf) => shelf.slotByteLength >= eighth * 8) as Shelf,
    );
  }

  /**
   * The size class of a secret, by its length alone: up to `pooledByteLengthMax` bytes it is pooled, above it gets a region
   * of its own, and no class. With 0 every secret has a region of its own.
   */
  classOf(byteLength: number): number | undefined {
    return this.#shelfFor(byteLength)?.classIndex;
  }

  /** A slab of the class to take a slot of, or undefined where a new page comes first. */
  slabWithFree(classIndex: number): Slab | undefined {
    return topOf(this.#shelf(classIndex));
  }

  /** The same where no page is to be had: also the slab of a slot that has not rested enough. */
  slabWithAny(classIndex: number): Slab | undefined {
    const shelf = this.#shelf(classIndex);
    return topOf(shelf) ?? shelf.resting.first();
  }

  /** The same for a length; undefined also where that has a region of its own. */
  slabFor(byteLength: number): Slab | undefined {
    const shelf = this.#shelfFor(byteLength);
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

  /** Free slots of a class, in the slabs that are there. */
  freeSlots(classIndex: number): number {
    const { withFree, resting } = this.#shelf(classIndex);
    let free = resting.size;
    for (const slab of withFree) free += slab.freeSlots - slab.resting;
    return free;
  }

  /** Slots of the class in a region of so many bytes. */
  slotsIn(byteLength: number, classIndex: number): number {
    return slotsPerSlab(byteLength, this.#shelf(classIndex).slotByteLength);
  }

  /** The smallest region, in bytes, that holds `count` slots of the class. */
  byteLengthFor(classIndex: number, count: number): number {
    return slabByteLengthFor(count, this.#shelf(classIndex).slotByteLength, this.#pageByteLength);
  }

  /** The region that the class would like next when `count` slots are wanted, in bytes. */
  preferredByteLength(classIndex: number, count: number, slabByteLengthMax: number): number {
    const { growthPages } = this.#shelf(classIndex);
    const wanted = Math.max(
      growthPages * this.#pageByteLength,
      this.byteLengthFor(classIndex, count),
    );
    return Math.min(wanted, Math.max(slabByteLengthMax, this.byteLengthFor(classIndex, 1)));
  }

  /** Cuts a region, which reads zero, into slots of the class. */
  adopt(region: Region, classIndex: number): Slab {
    const shelf = this.#shelf(classIndex);
    const slab = new Slab(region, classIndex, shelf.slotByteLength, this);
    const pages = region.byteLength / this.#pageByteLength;
    if (pages >= shelf.growthPages) shelf.growthPages = pages * 2;
    this.slabs.add(slab);
    this.emptyCount++;
    this.#offer(slab);
    return slab;
  }

  /** Gives up a slab: no more slots come from it. Its region is the caller's again. */
  abandon(slab: Slab): void {
    if (slab.live === 0 && this.slabs.has(slab)) this.emptyCount--;
    this.slabs.delete(slab);
    this.close(slab);
    const shelf = this.#shelf(slab.classIndex);
    if (shelf.withFree.length === 0) shelf.growthPages = 1;
  }

  /** Takes no new secrets into a slab; those in it stay. */
  close(slab: Slab): void {
    if (slab.closedToNew) return;
    slab.closedToNew = true;
    this.#unlist(slab);
    this.#shelf(slab.classIndex).resting.close(slab);
  }

  /** Takes new secrets again. */
  reopen(slab: Slab): void {
    if (!slab.closedToNew) return;
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

  onEmpty(_slab: Slab): void {
    this.emptyCount++;
    if (!this.sweepIsDue) this.#onEmptySlab();
  }

  #shelfFor(byteLength: number): Shelf | undefined {
    if (byteLength > this.#pooledByteLengthMax) return undefined;
    return this.#shelfByEighth[(byteLength + 7) >>> 3] as Shelf;
  }

  #shelf(classIndex: number): Shelf {
    return this.#shelves[classIndex] as Shelf;
  }

  /** Whatever is free in it can be taken. */
  #offer(slab: Slab): void {
    if (slab.hasFree) this.onSlotFree(slab);
    this.#shelf(slab.classIndex).resting.open(slab);
  }

  #takeResting(slab: Slab, byteLength: number): number {
    this.#shelf(slab.classIndex).resting.taken();
    return slab.takeResting(byteLength);
  }

  /** An empty slab is used again. */
  #onFirst(slab: Slab): void {
    this.emptyCount--;
    slab.region.idle = false;
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
