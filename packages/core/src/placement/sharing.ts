import type { LockBudget } from '../limits/lock-budget.js';
import { isShortage, type Shortage } from '../limits/shortage.js';
import { leastPages } from './packing.js';
import type { Place } from './place-host.js';
import type { Region } from './region.js';
import { mayMap, type Reach, type RegionSource } from './region-source.js';
import { classOfLength, pageShareByteLengthMax, slabByteLengthMaxUnder } from './size-classes.js';
import { MIXED, type Slab } from './slab.js';
import type { SlabPool } from './slab-pool.js';
import type { Vacancies } from './vacancies.js';

/** Under a limit of fewer pages than this, secrets that would have pages of their own share them. */
export const TIGHT_PAGES = 32;

export interface SharingOptions {
  /** The largest secret, in bytes, that shares a slab; a larger one gets a region of its own. */
  readonly pooledByteLengthMax: number;
  /** Under a tight limit larger ones share pages too. */
  readonly sharesWhenTight: boolean;
  /** Largest slab, in bytes. */
  readonly slabByteLengthMax: number;
}

/** One secret, and the slab that would be made for it. */
interface Wish {
  readonly byteLength: number;
  readonly classIndex: number;
  /** The slab would be cut evenly. */
  readonly even: boolean;
  /** The least bytes that it must have, and those that it had better have. */
  readonly least: number;
  readonly wanted: number;
}

/**
 * Places for secrets that share pages with others. What is short or many has slabs that are cut evenly; what is few lies side by
 * side in mixed slabs, each where it fits best. Where no page is to be had the even slabs are loosened, so that no free
 * bytes are kept for a length that nobody asks for. Nothing that lives is moved.
 */
export class Sharing {
  readonly #pool: SlabPool;
  readonly #vacancies: Vacancies;
  readonly #source: RegionSource;
  readonly #budget: LockBudget;
  readonly #options: SharingOptions;
  readonly #page: number;

  constructor(
    pool: SlabPool,
    vacancies: Vacancies,
    source: RegionSource,
    budget: LockBudget,
    options: SharingOptions,
    pageByteLength: number,
  ) {
    this.#pool = pool;
    this.#vacancies = vacancies;
    this.#source = source;
    this.#budget = budget;
    this.#options = options;
    this.#page = pageByteLength;
  }

  /** The size class of a secret by its length; undefined where it gets a region of its own under the limit in force. */
  classOf(byteLength: number): number | undefined {
    const { pooledByteLengthMax, sharesWhenTight } = this.#options;
    if (byteLength <= pooledByteLengthMax) return classOfLength(byteLength);
    if (!sharesWhenTight || byteLength > pageShareByteLengthMax(this.#page)) return undefined;
    const tight = this.#budget.limit().byteLength < TIGHT_PAGES * this.#page;
    return tight ? classOfLength(byteLength) : undefined;
  }

  /** The fewest bytes of slabs that could hold so many of each class, all else empty. */
  leastByteLength(counts: ReadonlyMap<number, number>): number {
    const page = this.#page;
    const packed = leastPages(counts, page) * page;
    if (this.#slabByteLengthMax === page) return packed;
    let even = 0;
    for (const [classIndex, count] of counts) even += this.#pool.byteLengthFor(classIndex, count);
    return Math.min(even, packed);
  }

  /**
   * A place, or a shortage. A page that was never shown comes first, vacant or new; then what was shown, the longest free
   * first; then what the limit leaves once vacant regions went back to the system; and then what is free between others.
   * `rest` is what is still to be placed of the set, this one included.
   */
  place(
    byteLength: number,
    classIndex: number,
    rest: () => readonly number[],
    reach: Reach,
    mapped: Region[],
  ): Place | Shortage {
    const pool = this.#pool;
    const slab = pool.slabWithFree(classIndex);
    if (slab !== undefined) return { host: slab, index: pool.takeFrom(slab, byteLength) };
    const even = pool.cutsEvenly(classIndex, this.#slabByteLengthMax);
    if (!even) {
      const gap = pool.mixed.find(classIndex);
      if (gap !== undefined) return pool.takeGap(gap, byteLength);
    }
    const least = even ? pool.byteLengthFor(classIndex, 1) : this.#page;
    const wanted = even && mayMap(reach) ? this.#preferred(classIndex, rest, least) : least;
    const wish: Wish = { byteLength, classIndex, even, least, wanted };
    const vacant = reach === 'slots' ? undefined : this.#vacancies.takeAtLeast(least);
    if (vacant !== undefined) return this.#cut(vacant, wish);
    const found =
      this.#withEase(wish, reach, mapped) ??
      this.#source.mapAtLeast(least, wanted, reach === 'ask' ? 'map' : reach, mapped);
    if (!isShortage(found)) return 'host' in found ? found : this.#cut(found, wish);
    const between = this.#between(wish);
    if (between !== undefined) return between;
    if (reach !== 'ask' || found.by === 'kernel') return found;
    const asked = this.#source.map(least, reach, mapped);
    return isShortage(asked) ? asked : this.#cut(asked, wish);
  }

  get #slabByteLengthMax(): number {
    const { slabByteLengthMax } = this.#options;
    return Math.min(
      slabByteLengthMax,
      slabByteLengthMaxUnder(this.#budget.limit().byteLength, this.#page),
    );
  }

  /**
   * Where something was shown: a new page that takes nothing from anybody, so that it may rest, or else what is there, shown
   * or not. Undefined where none of it is to be had.
   */
  #withEase(wish: Wish, reach: Reach, mapped: Region[]): Place | Region | undefined {
    const { byteLength, classIndex, even, least, wanted } = wish;
    const pool = this.#pool;
    const resting = pool.slabWithAny(classIndex);
    const shown = resting !== undefined || this.#vacancies.mayReuseShown || pool.mixed.hasShown;
    if (!shown) return undefined;
    const easy = this.#source.mapWithEase(wanted, reach, mapped);
    if (easy !== undefined) return easy;
    const gap = even ? pool.mixed.find(classIndex) : undefined;
    if (gap !== undefined) return pool.takeGap(gap, byteLength);
    if (resting !== undefined) return { host: resting, index: pool.takeFrom(resting, byteLength) };
    const rested = even ? undefined : pool.mixed.findShown(classIndex);
    if (rested !== undefined) return pool.takeGap(rested, byteLength);
    return reach === 'slots' ? undefined : this.#vacancies.takeShownAtLeast(least);
  }

  /** What is free between secrets of any length. */
  #between({ byteLength, classIndex }: Wish): Place | undefined {
    const pool = this.#pool;
    const { mixed } = pool;
    if (classIndex * 8 > pageShareByteLengthMax(this.#page)) return undefined;
    const gap = mixed.find(classIndex) ?? mixed.findShown(classIndex);
    if (gap !== undefined) return pool.takeGap(gap, byteLength);
    if (pool.loosenFor(classIndex)) {
      const loosened = mixed.find(classIndex);
      if (loosened !== undefined) return pool.takeGap(loosened, byteLength);
    }
    if (!mixed.hasShown) return undefined;
    mixed.joinAll();
    const joined = mixed.find(classIndex) ?? mixed.findShown(classIndex);
    return joined === undefined ? undefined : pool.takeGap(joined, byteLength);
  }

  /** Bytes of a new slab for the class, no more than leaves room for the `rest` of the set. */
  #preferred(classIndex: number, rest: () => readonly number[], least: number): number {
    const pool = this.#pool;
    const slabByteLengthMax = this.#slabByteLengthMax;
    if (slabByteLengthMax <= least) return least;
    const counts = this.countsOf(rest());
    const same = counts.get(classIndex) ?? 1;
    counts.delete(classIndex);
    const room = this.#source.room - this.leastByteLength(counts);
    const preferred = pool.preferredByteLength(classIndex, same, slabByteLengthMax);
    return Math.max(least, Math.min(preferred, Math.floor(room / this.#page) * this.#page));
  }

  /** How many of each class there are; those with regions of their own are left out. */
  countsOf(byteLengths: readonly number[]): Map<number, number> {
    const counts = new Map<number, number>();
    for (const byteLength of byteLengths) {
      const classIndex = this.classOf(byteLength);
      if (classIndex !== undefined) counts.set(classIndex, (counts.get(classIndex) ?? 0) + 1);
    }
    return counts;
  }

  /** Cuts a region that reads zero, and takes a place in it. Where that fails it is nobody's, and free for the next. */
  #cut(region: Region, { byteLength, classIndex, even }: Wish): Place {
    const pool = this.#pool;
    let slab: Slab | undefined;
    try {
      slab = pool.adopt(region, even ? classIndex : MIXED);
      for (const gap of slab.extents?.gaps() ?? []) return pool.takeGap(gap, byteLength);
      return { host: slab, index: pool.takeFrom(slab, byteLength) };
    } catch (error) {
      if (slab !== undefined) pool.abandon(slab);
      this.#vacancies.addUnwiped(region);
      throw error;
    }
  }
}
