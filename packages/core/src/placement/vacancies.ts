import { Departures, regionOf, type Vacant } from './departures.js';
import type { Region } from './region.js';
import type { Regions } from './regions.js';
import { RestingRegions } from './resting-regions.js';
import { Slab } from './slab.js';
import type { SlabPool } from './slab-pool.js';

export interface VacancyOptions {
  /** Kept mapped though nothing needs it, in bytes. */
  readonly reserveByteLength: number;
  /** A region is given back after it was idle for this long, in milliseconds; at the earliest after half of it. */
  readonly idleMs: number;
  /** A region that was shown through a view goes back to the system, and to no other secret. */
  readonly isolateViews: boolean;
}

/**
 * Mapped regions in which nothing lives: spares, which are wiped and cut into nothing, and slabs that ran empty. They
 * serve the next need of any shape, go back to the system at once when a limit demands it, and otherwise when idle.
 * Those over which views were open rest behind all others.
 */
export class Vacancies {
  readonly #regions: Regions;
  readonly #pool: SlabPool;
  readonly #options: VacancyOptions;
  readonly #spares: Region[] = [];
  readonly #resting: RestingRegions;
  #sweepTimer: NodeJS.Timeout | undefined;
  readonly #departures: Departures;

  constructor(regions: Regions, pool: SlabPool, options: VacancyOptions) {
    this.#regions = regions;
    this.#pool = pool;
    this.#options = options;
    this.#resting = new RestingRegions(!options.isolateViews);
    this.#departures = new Departures(regions, options.reserveByteLength, (vacant) =>
      this.#takeOut(vacant),
    );
  }

  /** Regions that are wiped and cut into nothing. */
  get spares(): readonly Region[] {
    return this.#spares;
  }

  /** At no cost, for whoever asks at every release. Slabs with nothing but quarantined slots count as empty here. */
  get mayBeAny(): boolean {
    return this.#spares.length > 0 || this.#resting.size > 0 || this.#pool.emptyCount > 0;
  }

  /** Something vacant was shown, and may be used again. */
  get mayReuseShown(): boolean {
    if (this.#options.isolateViews) return false;
    if (this.#resting.size > 0) return true;
    for (const slab of this.#pool.empties()) if (slab.region.shown) return true;
    return false;
  }

  /** Bytes of regions that are cut into nothing. */
  get spareByteLength(): number {
    let total = 0;
    for (const region of this.spareRegions()) total += region.byteLength;
    return total;
  }

  get byteLength(): number {
    let total = this.spareByteLength;
    for (const slab of this.#pool.empties()) total += slab.region.byteLength;
    return total;
  }

  /** Maps `byteLength` bytes ahead of need, in regions that double from one page, so that every class finds one. */
  warmUp(byteLength: number, pageByteLength: number, slabByteLengthMax: number): void {
    let next = pageByteLength;
    for (let left = Math.ceil(byteLength / pageByteLength) * pageByteLength; left > 0; ) {
      const size = Math.min(next, left, slabByteLengthMax);
      this.#spares.push(this.#regions.map(size));
      left -= size;
      if (this.#spares.length % 2 === 0) next *= 2;
    }
  }

  /** A wiped region has become free. One that lost a protection goes back to the system. */
  add(region: Region): void {
    if (region.retired || region.losses !== undefined) {
      this.#regions.unmap(region);
      return;
    }
    region.idle = false;
    if (region.shown) {
      this.#resting.add(region);
      this.#regions.onLeft(region);
    } else this.#spares.push(region);
    this.sweepLater();
  }

  /** Takes back a region that could not be put to use, whatever was written to it by then. */
  addUnwiped(region: Region): void {
    try {
      region.wipe(0, region.byteLength);
      this.add(region);
    } catch {
      this.#regions.unmap(region);
    }
  }

  /** A spare of exactly this length that was never shown, or has rested enough. The caller then owns it. */
  takeExactly(byteLength: number): Region | undefined {
    const i = this.#spares.findIndex((region) => region.byteLength === byteLength);
    return i < 0 ? this.#resting.takeRested(byteLength) : this.#spares.splice(i, 1)[0];
  }

  /** A spare of exactly this length that was shown, however short its rest. The caller then owns it. */
  takeShownExactly(byteLength: number): Region | undefined {
    return this.#resting.take((region) => region.byteLength === byteLength);
  }

  /**
   * The smallest spare of at least this length that was never shown, or such a slab that ran empty, wiped; the caller then
   * owns it.
   */
  takeAtLeast(byteLength: number): Region | undefined {
    let best = -1;
    for (const [i, region] of this.#spares.entries()) {
      if (region.byteLength < byteLength) continue;
      if (best < 0 || region.byteLength < (this.#spares[best] as Region).byteLength) best = i;
    }
    if (best >= 0) return this.#spares.splice(best, 1)[0];
    return this.#takeEmptied(byteLength, false);
  }

  /** The same of those that were shown: the spare that rests for longest. */
  takeShownAtLeast(byteLength: number): Region | undefined {
    const spare = this.#resting.take((region) => region.byteLength >= byteLength);
    return spare ?? this.#takeEmptied(byteLength, true);
  }

  /** Unmaps vacant regions until `byteLength` bytes are free again or none is left. True when any went. */
  reclaim(byteLength: number): boolean {
    let freed = 0;
    while (freed < byteLength) {
      const region = this.#spares.pop() ?? this.#resting.takeOldest();
      if (region === undefined) break;
      if (this.#regions.unmap(region)) freed += region.byteLength;
    }
    if (freed >= byteLength) return true;
    for (const slab of [...this.#pool.empties()]) {
      this.#pool.abandon(slab);
      if (this.#regions.unmap(slab.region)) freed += slab.region.byteLength;
      if (freed >= byteLength) return true;
    }
    return freed > 0;
  }

  /** Gives back all that is vacant in this step, what was mapped ahead of need as well. */
  giveBackNow(): void {
    this.reclaim(Number.POSITIVE_INFINITY);
    this.#regions.retryRetired();
  }

  /** Gives one region back to the system, unless something lives in it. */
  giveBack(region: Region): void {
    const spare = this.#spares.indexOf(region);
    if (spare >= 0) this.#spares.splice(spare, 1);
    else this.#resting.delete(region);
    for (const slab of this.#pool.slabs) {
      if (slab.region !== region) continue;
      if (slab.live > 0) return;
      this.#pool.abandon(slab);
    }
    this.#regions.unmap(region);
  }

  /** Gives back all that is vacant, but for what is to be kept: somebody else wants it. */
  giveBackAll(): void {
    if (!this.mayBeAny) return;
    const { reserveByteLength } = this.#options;
    for (const vacant of [...this.spareRegions(), ...this.#pool.empties()]) {
      const region = regionOf(vacant);
      const kept = this.#regions.mappedByteLength - region.byteLength < reserveByteLength;
      if (!kept && this.#takeOut(vacant)) this.#regions.unmapQuietly(region);
    }
  }

  /** All that is vacant is due to go, but for what is to be kept. */
  giveBackAllSoon(): void {
    this.#departures.add([
      ...this.spareRegions(),
      ...this.#pool.empties(),
      ...this.#regions.retired(),
    ]);
  }

  /** Gives back every vacant region that lost a protection. */
  giveBackLost(): void {
    for (const region of [...this.spareRegions()])
      if (region.losses !== undefined) this.giveBack(region);
    for (const { region } of [...this.#pool.empties()]) {
      if (region.losses !== undefined) this.giveBack(region);
    }
  }

  /** Forgets all that is vacant, which is the caller's, and gives nothing back any more. */
  clear(): void {
    this.#spares.length = 0;
    this.#resting.clear();
    this.#departures.clear();
    clearTimeout(this.#sweepTimer);
    this.#sweepTimer = undefined;
    this.#pool.sweepIsDue = false;
  }

  /** Something became vacant: looks at it again after half of `idleMs`, and gives it back after the other half. */
  sweepLater(): void {
    if (this.#sweepTimer !== undefined) return;
    this.#pool.sweepIsDue = true;
    this.#sweepTimer = setTimeout(this.#onSweep, Math.max(1, this.#options.idleMs / 2));
    this.#sweepTimer.unref();
  }

  readonly #onSweep = (): void => this.#regions.outbox.during(() => this.#sweep());

  /** What two sweeps in a row found vacant is due to go, down to the bytes that are to be kept; and what nobody uses again. */
  #sweep(): void {
    this.#sweepTimer = undefined;
    this.#pool.sweepIsDue = false;
    const due: Vacant[] = [];
    const retired = [...this.#regions.retired()];
    let left = this.#regions.mappedByteLength;
    let again = false;
    for (const { byteLength } of retired) left -= byteLength;
    const look = (region: Region, vacant: Vacant): void => {
      const isLost = region.losses !== undefined;
      if (!isLost && left - region.byteLength < this.#options.reserveByteLength) return;
      again = true;
      if (region.idle || isLost) {
        due.push(vacant);
        left -= region.byteLength;
      } else region.idle = true;
    };
    for (const region of this.spareRegions()) look(region, region);
    for (const slab of this.#pool.empties()) look(slab.region, slab);
    this.#departures.add([...due, ...retired]);
    if (again) this.sweepLater();
  }

  /** Nobody finds it any more; false where it is vacant no longer. */
  #takeOut(vacant: Vacant): boolean {
    if (vacant instanceof Slab) {
      if (!this.#pool.slabs.has(vacant) || vacant.live > 0 || vacant.quarantined > 0) return false;
      this.#pool.abandon(vacant);
      return true;
    }
    const spare = this.#spares.lastIndexOf(vacant);
    if (spare < 0) return this.#resting.delete(vacant);
    this.#spares.splice(spare, 1);
    return true;
  }

  /** Every spare, those that rest among them. */
  *spareRegions(): Generator<Region> {
    yield* this.#spares;
    yield* this.#resting;
  }

  #takeEmptied(byteLength: number, shown: boolean): Region | undefined {
    for (const slab of this.#pool.empties()) {
      const { region } = slab;
      if (region.shown !== shown || region.byteLength < byteLength || region.pinned > 0) continue;
      if (region.losses !== undefined) continue;
      region.wipe(0, region.byteLength);
      this.#pool.abandon(slab);
      return region;
    }
    return undefined;
  }
}
