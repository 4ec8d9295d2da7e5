import type { MemoryBackend } from '../contract/backend.js';
import { isSecureMemoryError } from '../contract/errors.js';
import type { LockBudget } from '../policy/lock-budget.js';
import { OwnRegion, type OwnRegionOwner } from './own-region.js';
import type { Place, PlaceHost } from './place-host.js';
import type { Region } from './region.js';
import type { RegionLifecycle } from './region-lifecycle.js';
import { isShortage, type Shortage } from './shortage.js';
import { OWN_REGION, type SizeRouter } from './size-router.js';
import type { Slab } from './slab.js';
import { SlabPool } from './slab-pool.js';

/** In bytes: a symmetric key or a private key of an elliptic curve. */
const TYPICAL_BYTE_LENGTH = 32;

export interface PlacementOptions {
  readonly router: SizeRouter;
  /** Largest slab, in bytes. */
  readonly slabByteLengthMax: number;
  /** Kept mapped though nothing needs it, in bytes. */
  readonly keptByteLengthMin: number;
  /** A region is given back after it was idle for this long, in milliseconds; at the earliest after half of it. */
  readonly idleMs: number;
}

/**
 * How far an attempt may go. `warm`: only into what is mapped already. `map`: also new regions, as the budget allows.
 * `ask`: the same, and where the budget is the kernel's own limit the kernel is asked even though the account says no: a
 * caller who is about to be refused gets the system's error number instead of ours.
 */
export type Reach = 'warm' | 'map' | 'ask';

/**
 * Where the secrets of one backend lie. Finds a place for a set of sizes, all or nothing, and takes back what was
 * released. Decides nothing about waiting: the answer is places or a shortage, at once.
 */
export class Placement implements OwnRegionOwner {
  readonly backend: MemoryBackend;
  readonly lifecycle: RegionLifecycle;
  readonly budget: LockBudget;
  readonly router: SizeRouter;
  readonly pool: SlabPool;
  readonly ownRegions = new Set<OwnRegion>();
  /** Wiped regions with nothing in them. */
  readonly #spares: Region[] = [];
  readonly #options: PlacementOptions;
  readonly #guardPages: boolean;
  #sweepTimer: NodeJS.Timeout | undefined;

  constructor(lifecycle: RegionLifecycle, budget: LockBudget, options: PlacementOptions) {
    this.lifecycle = lifecycle;
    this.backend = lifecycle.backend;
    this.budget = budget;
    this.router = options.router;
    this.#options = options;
    this.#guardPages = this.backend.capabilities.guardPages;
    this.pool = new SlabPool(options.router, this.backend.pageByteLength, () => this.#sweepLater());
  }

  /**
   * Places for all of `byteLengths`, in their order, or a shortage with nothing taken and nothing more mapped than before.
   * Throws what is not a matter of capacity.
   */
  place(byteLengths: readonly number[], reach: Reach): Place[] | Shortage {
    const attempt = new Attempt(this, byteLengths.length);
    try {
      const shortage = this.#placeAll(byteLengths, reach, attempt);
      if (shortage === undefined) return attempt.places;
      attempt.undo();
      return shortage;
    } catch (error) {
      attempt.undo();
      throw error;
    }
  }

  /**
   * A region for keys of our own, or a shortage: charged to the budget like any other, cut into nothing, and closed at rest
   * as far as the backend goes.
   */
  reserve(byteLength: number): Region | Shortage {
    return this.#map(byteLength, 'ask', new Attempt(this, 0), true);
  }

  /** The fewest bytes of regions that could ever hold this set, all else empty. */
  leastByteLength(byteLengths: readonly number[]): number {
    let total = 0;
    const pooled = new Map<number, number>();
    for (const byteLength of byteLengths) {
      const classIndex = this.router.classOf(byteLength);
      if (classIndex === OWN_REGION) total += this.ownByteLength(byteLength);
      else pooled.set(classIndex, (pooled.get(classIndex) ?? 0) + 1);
    }
    for (const [classIndex, count] of pooled) total += this.pool.byteLengthFor(classIndex, count);
    return total;
  }

  /** What `count` secrets of a key's length need. */
  leastByteLengthOfPooled(count: number): number {
    if (this.router.classes.length === 0) return count * this.ownByteLength(1);
    return this.pool.byteLengthFor(this.router.classOf(TYPICAL_BYTE_LENGTH), count);
  }

  ownByteLength(byteLength: number): number {
    return OwnRegion.byteLengthFor(byteLength, this.backend.pageByteLength, this.#guardPages);
  }

  get emptyByteLength(): number {
    let total = 0;
    for (const region of this.#spares) total += region.byteLength;
    for (const slab of this.pool.empties()) total += slab.region.byteLength;
    return total;
  }

  /** Maps `byteLength` bytes ahead of need, in regions that double from one page, so that every class finds one. */
  warmUp(byteLength: number): void {
    const page = this.backend.pageByteLength;
    let next = page;
    for (let left = Math.ceil(byteLength / page) * page; left > 0; ) {
      const size = Math.min(next, left, this.#options.slabByteLengthMax);
      this.#spares.push(this.lifecycle.map(size));
      left -= size;
      if (this.#spares.length % 2 === 0) next *= 2;
    }
  }

  onVacant(host: OwnRegion): void {
    this.ownRegions.delete(host);
    if (host.region.retired) {
      this.lifecycle.unmap(host.region);
      return;
    }
    this.#spares.push(host.region);
    this.#sweepLater();
  }

  /** Gives back every region in which nothing lives. True when something was given back. */
  releaseEmpties(): boolean {
    return this.#reclaim(Number.POSITIVE_INFINITY);
  }

  /** Wipes everything now and gives back every region without an open view. All places end. */
  purge(): void {
    for (const host of this.hosts()) endAll(host);
    for (const slab of [...this.pool.slabs]) this.pool.abandon(slab);
    this.ownRegions.clear();
    this.#spares.length = 0;
    this.lifecycle.unmapAll();
  }

  /** Whatever holds secrets now. */
  *hosts(): Generator<PlaceHost> {
    yield* this.pool.slabs;
    yield* this.ownRegions;
  }

  stopSweeping(): void {
    clearTimeout(this.#sweepTimer);
    this.#sweepTimer = undefined;
  }

  /** For `Attempt`: a region taken for this attempt alone goes back to the system. */
  giveBack(region: Region): void {
    const spare = this.#spares.indexOf(region);
    if (spare >= 0) this.#spares.splice(spare, 1);
    for (const slab of this.pool.slabs) {
      if (slab.region !== region) continue;
      if (slab.live > 0) return;
      this.pool.abandon(slab);
    }
    this.lifecycle.unmap(region);
  }

  #placeAll(byteLengths: readonly number[], reach: Reach, to: Attempt): Shortage | undefined {
    const order = byteLengths.map((_, i) => i);
    order.sort((a, b) => (byteLengths[b] as number) - (byteLengths[a] as number));
    for (const [position, i] of order.entries()) {
      const byteLength = byteLengths[i] as number;
      const classIndex = this.router.classOf(byteLength);
      if (classIndex === OWN_REGION) {
        const region = this.#regionFor(this.ownByteLength(byteLength), byteLength, reach, to);
        if (isShortage(region)) return region;
        const host = new OwnRegion(region, byteLength, this);
        this.ownRegions.add(host);
        to.add(i, host, 0);
        continue;
      }
      let slab = this.pool.slabWithFree(classIndex);
      if (slab === undefined) {
        const rest = order.slice(position).map((j) => byteLengths[j] as number);
        const grown = this.#grow(classIndex, rest, reach, to);
        if (isShortage(grown)) return grown;
        slab = grown;
      }
      to.add(i, slab, this.pool.takeFrom(slab, byteLength));
    }
    return undefined;
  }

  /** A new slab for the class, no larger than leaves room for the `rest` of the set. */
  #grow(classIndex: number, rest: readonly number[], reach: Reach, to: Attempt): Slab | Shortage {
    const { pool, backend } = this;
    const least = pool.byteLengthFor(classIndex, 1);
    const same = rest.filter((byteLength) => this.router.classOf(byteLength) === classIndex).length;
    const spare = this.#takeSpareFor(least);
    if (spare !== undefined) return pool.adopt(spare, classIndex);
    if (reach === 'warm') return this.#shortage('budget', least);
    const others = this.leastByteLength(rest) - pool.byteLengthFor(classIndex, same);
    const room = this.#room() - others;
    const preferred = pool.preferredByteLength(classIndex, same, this.#options.slabByteLengthMax);
    const page = backend.pageByteLength;
    const wanted = Math.max(least, Math.min(preferred, Math.floor(room / page) * page));
    let region = this.#map(wanted, reach, to);
    if (isShortage(region) && wanted > least) region = this.#map(least, reach, to);
    return isShortage(region) ? region : pool.adopt(region, classIndex);
  }

  /** A region of exactly `byteLength` bytes for one secret. */
  #regionFor(
    byteLength: number,
    requestedByteLength: number,
    reach: Reach,
    to: Attempt,
  ): Region | Shortage {
    const i = this.#spares.findIndex((region) => region.byteLength === byteLength);
    if (i >= 0) return this.#spares.splice(i, 1)[0] as Region;
    if (reach === 'warm') return this.#shortage('budget', requestedByteLength);
    return this.#map(byteLength, reach, to);
  }

  /** The smallest wiped region of at least `least` bytes: a spare, or a slab of another class that ran empty. */
  #takeSpareFor(least: number): Region | undefined {
    let best = -1;
    for (const [i, region] of this.#spares.entries()) {
      if (region.byteLength < least) continue;
      if (best < 0 || region.byteLength < (this.#spares[best] as Region).byteLength) best = i;
    }
    if (best >= 0) return this.#spares.splice(best, 1)[0] as Region;
    for (const slab of this.pool.empties()) {
      if (slab.region.byteLength < least || slab.region.pinned > 0) continue;
      this.pool.abandon(slab);
      this.lifecycle.wipe(slab.region, 0, slab.region.byteLength);
      return slab.region;
    }
    return undefined;
  }

  /**
   * Maps a region, after giving back empty ones where the limit demands it. Nothing is given back for a request that
   * would not fit all the same.
   */
  #map(byteLength: number, reach: Reach, to: Attempt, closed = false): Region | Shortage {
    const missing = byteLength - this.#room();
    if (missing > 0) {
      if (missing > this.emptyByteLength) {
        const decides = reach === 'ask' && this.budget.kernelDecides;
        if (!decides) return this.#shortage('budget', byteLength);
      } else this.#reclaim(missing);
    }
    for (;;) {
      try {
        const { lifecycle } = this;
        const region = closed ? lifecycle.mapClosed(byteLength) : lifecycle.map(byteLength);
        to.mapped.push(region);
        return region;
      } catch (error) {
        if (!isSecureMemoryError(error) || error.kind !== 'capacity') throw error;
        if (this.emptyByteLength > 0 && this.#reclaim(byteLength)) continue;
        return { ...this.#shortage('kernel', byteLength), error };
      }
    }
  }

  #room(): number {
    return this.budget.limit().byteLength - this.lifecycle.mappedByteLength;
  }

  #shortage(by: Shortage['by'], requestedByteLength: number): Shortage {
    return {
      by,
      requestedByteLength,
      inUseByteLength: this.lifecycle.mappedByteLength,
      limit: this.budget.limit(),
    };
  }

  /** Unmaps empty regions until `byteLength` bytes are free again or none is left. */
  #reclaim(byteLength: number): boolean {
    let freed = 0;
    while (freed < byteLength && this.#spares.length > 0) {
      const region = this.#spares.pop() as Region;
      if (this.lifecycle.unmap(region)) freed += region.byteLength;
    }
    if (freed >= byteLength) return true;
    for (const slab of [...this.pool.empties()]) {
      this.pool.abandon(slab);
      if (this.lifecycle.unmap(slab.region)) freed += slab.region.byteLength;
      if (freed >= byteLength) return true;
    }
    return freed > 0;
  }

  #sweepLater(): void {
    if (this.#sweepTimer !== undefined) return;
    this.pool.sweepIsDue = true;
    this.#sweepTimer = setTimeout(() => this.#sweep(), Math.max(1, this.#options.idleMs / 2));
    this.#sweepTimer.unref();
  }

  /** Gives back what two sweeps in a row found empty, down to the bytes that are to be kept. */
  #sweep(): void {
    this.#sweepTimer = undefined;
    this.pool.sweepIsDue = false;
    this.lifecycle.retryRetired();
    const keep = this.#options.keptByteLengthMin;
    let again = false;
    const isDue = (region: Region): boolean => {
      if (this.lifecycle.mappedByteLength - region.byteLength < keep) return false;
      again = true;
      const due = region.idle;
      region.idle = true;
      return due;
    };
    for (const region of this.#spares.filter(isDue)) this.giveBack(region);
    for (const slab of [...this.pool.empties()].filter((slab) => isDue(slab.region))) {
      this.pool.abandon(slab);
      this.lifecycle.unmap(slab.region);
    }
    if (again) this.#sweepLater();
  }
}

/** What one call of `place` has taken so far, so that all of it can be given back. */
class Attempt {
  readonly places: Place[];
  readonly mapped: Region[] = [];
  readonly #placement: Placement;

  constructor(placement: Placement, count: number) {
    this.#placement = placement;
    this.places = new Array(count);
  }

  add(i: number, host: PlaceHost, index: number): void {
    this.places[i] = { host, index };
  }

  /** Nothing was written yet, so a release that fails here leaves no byte of a secret; the region is given back anyway. */
  undo(): void {
    for (const place of this.places) {
      try {
        place?.host.release(place.index);
      } catch {}
    }
    for (const region of this.mapped) this.#placement.giveBack(region);
  }
}

/** Ends every use of a host: its handles are disposed from now on. The bytes are wiped by the caller. */
function endAll(host: PlaceHost): void {
  for (let i = 0; i < host.slotCount; i++) {
    if (host.isUsed(i)) (host.generations[i] as number)++;
  }
  host.live = 0;
}
