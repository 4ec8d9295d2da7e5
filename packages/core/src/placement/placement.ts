import type { MemoryBackend } from '../contract/backend.js';
import { isSecureMemoryError } from '../contract/errors.js';
import type { LockBudget } from '../limits/lock-budget.js';
import { isShortage, type Shortage } from '../limits/shortage.js';
import { explainDenial, type Fragmentation } from '../limits/shortage-error.js';
import { askKernel, type KernelReport } from './kernel-check.js';
import { OwnRegion, type OwnRegionOwner } from './own-region.js';
import type { Place, PlaceHost } from './place-host.js';
import { type Losses, NO_LOSSES, type Region } from './region.js';
import type { Regions } from './regions.js';
import { Slab } from './slab.js';
import { SlabPool } from './slab-pool.js';
import { Vacancies, type VacancyOptions } from './vacancies.js';

/** In bytes: a symmetric key or a private key of an elliptic curve. */
const TYPICAL_BYTE_LENGTH = 32;

export interface PlacementOptions extends VacancyOptions {
  /** The largest secret, in bytes, that shares a slab; a larger one gets a region of its own. */
  readonly pooledByteLengthMax: number;
  /** Largest slab, in bytes. */
  readonly slabByteLengthMax: number;
}

/**
 * How far an attempt may go. `warm`: only into what is mapped already. `map`: also new regions, as the budget allows.
 * `ask`: the same, and where the budget is the kernel's own limit the kernel is asked even though the account says no: a
 * caller who is about to be refused gets the system's error number instead of ours.
 */
export type Reach = 'warm' | 'map' | 'ask';

/** What one request has taken so far, and the regions that were mapped for it alone: all of it can be given back. */
interface Taken {
  readonly places: Place[];
  readonly mapped: Region[];
}

/**
 * Where the secrets of one backend lie. Finds a place for a set of sizes, all or nothing, and takes back what was
 * released. Decides nothing about waiting: the answer is places or a shortage, at once.
 */
export class Placement implements OwnRegionOwner {
  readonly backend: MemoryBackend;
  readonly regions: Regions;
  readonly budget: LockBudget;
  readonly pool: SlabPool;
  readonly ownRegions = new Set<OwnRegion>();
  readonly vacancies: Vacancies;
  readonly #options: PlacementOptions;
  readonly #guardPages: boolean;
  #refusedAtUnmapCount = -1;
  /** The same for regions that were wanted only so that others may rest. */
  #crampedAtUnmapCount = -1;

  constructor(regions: Regions, budget: LockBudget, options: PlacementOptions) {
    this.regions = regions;
    this.backend = regions.backend;
    this.budget = budget;
    this.#options = options;
    this.#guardPages = this.backend.capabilities.guardPages;
    this.pool = new SlabPool(options.pooledByteLengthMax, this.backend.pageByteLength, () =>
      this.vacancies.sweepLater(),
    );
    this.vacancies = new Vacancies(regions, this.pool, options);
    regions.onStranded = () => this.vacancies.sweepLater();
  }

  /**
   * Places for all of `byteLengths`, in their order, or a shortage with nothing taken and nothing more mapped than before.
   * Throws what is not a matter of capacity. `alone`: each in a region of its own, however short it is.
   */
  place(byteLengths: readonly number[], reach: Reach, alone = false): Place[] | Shortage {
    const taken: Taken = { places: new Array(byteLengths.length), mapped: [] };
    try {
      const shortage = this.#placeAll(byteLengths, reach, taken, alone);
      if (shortage === undefined) return taken.places;
      this.#undo(taken);
      return shortage;
    } catch (error) {
      this.#undo(taken);
      throw error;
    }
  }

  /**
   * A region for keys of our own, or a shortage: charged to the budget like any other, cut into nothing, and closed at rest
   * as far as the backend goes.
   */
  reserve(byteLength: number): Region | Shortage {
    return this.#map(byteLength, 'ask', { places: [], mapped: [] }, true);
  }

  /** The fewest bytes of regions that could ever hold this set, all else empty. */
  leastByteLength(byteLengths: readonly number[]): number {
    let total = 0;
    const pooled = new Map<number, number>();
    for (const byteLength of byteLengths) {
      const classIndex = this.pool.classOf(byteLength);
      if (classIndex === undefined) total += this.ownByteLength(byteLength);
      else pooled.set(classIndex, (pooled.get(classIndex) ?? 0) + 1);
    }
    for (const [classIndex, count] of pooled) total += this.pool.byteLengthFor(classIndex, count);
    return total;
  }

  /** What `count` secrets of a key's length need. */
  leastByteLengthOfPooled(count: number): number {
    const classIndex = this.pool.classOf(TYPICAL_BYTE_LENGTH);
    if (classIndex === undefined) return count * this.ownByteLength(TYPICAL_BYTE_LENGTH);
    return this.pool.byteLengthFor(classIndex, count);
  }

  ownByteLength(byteLength: number): number {
    return OwnRegion.byteLengthFor(byteLength, this.backend.pageByteLength, this.#guardPages);
  }

  /** Whether a secret of this length would be placed in such a host. */
  suits(host: PlaceHost, byteLength: number): boolean {
    return this.pool.classOf(byteLength) === (host instanceof Slab ? host.classIndex : undefined);
  }

  /** The kernel refused a waiter although our own account had room: mapping waits for something to change. */
  noteKernelRefusal(): void {
    this.#refusedAtUnmapCount = this.regions.unmapCount;
  }

  get kernelRefuses(): boolean {
    return this.#refusedAtUnmapCount === this.regions.unmapCount;
  }

  /** What the kernel said is forgotten: its limit, and that it refused. */
  askKernelAgain(): void {
    this.#refusedAtUnmapCount = -1;
    this.budget.forget();
  }

  /** Maps `byteLength` bytes ahead of need. */
  warmUp(byteLength: number): void {
    const { slabByteLengthMax } = this.#options;
    this.vacancies.warmUp(byteLength, this.backend.pageByteLength, slabByteLengthMax);
  }

  onVacant(host: OwnRegion): void {
    this.ownRegions.delete(host);
    this.vacancies.add(host.region);
  }

  /** Wipes everything now and gives back every region without an open view. All places end. */
  purge(): void {
    const hosts = [...this.hosts()];
    // First abandoned, then ended: the pool counts its empty slabs by those whose last secret it saw go.
    for (const slab of [...this.pool.slabs]) this.pool.abandon(slab);
    for (const host of hosts) host.endAll();
    this.ownRegions.clear();
    this.vacancies.clear();
    this.regions.unmapAll();
  }

  /** The same for good: what the system refuses to take back now is not tried again. */
  shutDown(): void {
    this.regions.onStranded = () => {};
    this.purge();
  }

  /** What the kernel says of every region now. Receipts, `require`, figures and new secrets follow it. */
  askKernel(): KernelReport {
    return askKernel(this.regions, (found) => this.#noteLosses(found));
  }

  /**
   * The same where the process as a whole has fewer bytes locked than these regions should have. Costs some microseconds,
   * and misses a loss that somebody else's locks make up for.
   */
  recheckLocks(): void {
    if (this.backend.capabilities.locking !== 'locked') return;
    const locked = this.backend.lockedByteLength();
    if (locked !== 'unknown' && locked < this.regions.lockedByteLength) this.askKernel();
  }

  /** Whatever holds secrets now. */
  *hosts(): Generator<PlaceHost> {
    yield* this.pool.slabs;
    yield* this.ownRegions;
  }

  /** Why `requestedByteLength` bytes cannot be had, with the numbers of this moment. */
  shortage(by: Shortage['by'], requestedByteLength: number): Shortage {
    return {
      by,
      requestedByteLength,
      inUseByteLength: this.regions.mappedByteLength,
      limit: this.budget.limit(),
    };
  }

  fragmentation(): Fragmentation {
    let freeSlotByteLength = 0;
    let slabsHeldByOneSecret = 0;
    for (const slab of this.pool.slabs) {
      freeSlotByteLength += slab.freeSlots * slab.slotByteLength;
      if (slab.live === 1 && slab.slotCount > 1) slabsHeldByOneSecret++;
    }
    const heldByteLength = this.regions.mappedByteLength;
    return { heldByteLength, freeSlotByteLength, slabsHeldByOneSecret };
  }

  #placeAll(
    byteLengths: readonly number[],
    reach: Reach,
    to: Taken,
    alone: boolean,
  ): Shortage | undefined {
    const order = byteLengths.map((_, i) => i);
    order.sort((a, b) => (byteLengths[b] as number) - (byteLengths[a] as number));
    for (const [position, i] of order.entries()) {
      const byteLength = byteLengths[i] as number;
      const classIndex = alone ? undefined : this.pool.classOf(byteLength);
      if (classIndex === undefined) {
        const region = this.#regionFor(this.ownByteLength(byteLength), byteLength, reach, to);
        if (isShortage(region)) return region;
        to.places[i] = { host: this.#settle(region, byteLength), index: 0 };
        continue;
      }
      let slab = this.pool.slabWithFree(classIndex);
      if (slab === undefined) {
        const rest = order.slice(position).map((j) => byteLengths[j] as number);
        const grown = this.#grow(classIndex, rest, reach, to);
        if (isShortage(grown)) return grown;
        slab = grown;
      }
      to.places[i] = { host: slab, index: this.pool.takeFrom(slab, byteLength) };
    }
    return undefined;
  }

  /** Nothing was written yet, so a release that fails here leaves no byte of a secret; the region is given back anyway. */
  #undo({ places, mapped }: Taken): void {
    for (const place of places) {
      try {
        place?.host.release(place.index);
      } catch {}
    }
    for (const region of mapped) this.vacancies.giveBack(region);
  }

  /**
   * A slab for the class where none is to be taken from as it is. A page that was never shown comes first, vacant or new; then
   * what was shown, the longest free first; then what the limit leaves once vacant regions went back to the system.
   */
  #grow(classIndex: number, rest: readonly number[], reach: Reach, to: Taken): Slab | Shortage {
    const { pool, vacancies } = this;
    const least = pool.byteLengthFor(classIndex, 1);
    const vacant = vacancies.takeAtLeast(least);
    if (vacant !== undefined) return this.#cut(vacant, classIndex);
    const wanted = reach === 'warm' ? least : this.#preferred(classIndex, rest, least);
    const resting = pool.slabWithAny(classIndex);
    if (resting !== undefined || vacancies.mayReuseShown) {
      const easy = this.#mapWithEase(wanted, reach, to);
      if (easy !== undefined) return this.#cut(easy, classIndex);
      if (resting !== undefined) return resting;
      const shown = vacancies.takeShownAtLeast(least);
      if (shown !== undefined) return this.#cut(shown, classIndex);
    }
    if (reach === 'warm') return this.shortage('budget', least);
    let region = this.#map(wanted, reach, to);
    if (isShortage(region) && wanted > least) region = this.#map(least, reach, to);
    return isShortage(region) ? region : this.#cut(region, classIndex);
  }

  /** Bytes of a new slab for the class, no more than leaves room for the `rest` of the set. */
  #preferred(classIndex: number, rest: readonly number[], least: number): number {
    const { pool, backend } = this;
    const same = rest.filter((byteLength) => pool.classOf(byteLength) === classIndex).length;
    const others = this.leastByteLength(rest) - pool.byteLengthFor(classIndex, same);
    const room = this.#room() - others;
    const preferred = pool.preferredByteLength(classIndex, same, this.#options.slabByteLengthMax);
    const page = backend.pageByteLength;
    return Math.max(least, Math.min(preferred, Math.floor(room / page) * page));
  }

  /** Cuts a region that reads zero into slots. Where that fails it is nobody's, and free for the next. */
  #cut(region: Region, classIndex: number): Slab {
    try {
      return this.pool.adopt(region, classIndex);
    } catch (error) {
      this.vacancies.addUnwiped(region);
      throw error;
    }
  }

  /** Puts one secret into a region that reads zero; the same when it fails. */
  #settle(region: Region, byteLength: number): OwnRegion {
    try {
      const host = new OwnRegion(region, byteLength, this);
      this.ownRegions.add(host);
      return host;
    } catch (error) {
      this.vacancies.addUnwiped(region);
      throw error;
    }
  }

  /** A region of exactly `byteLength` bytes for one secret. */
  #regionFor(
    byteLength: number,
    requestedByteLength: number,
    reach: Reach,
    to: Taken,
  ): Region | Shortage {
    const vacant = this.vacancies.takeExactly(byteLength);
    if (vacant !== undefined) return vacant;
    if (this.vacancies.mayReuseShown) {
      const easy = this.#mapWithEase(byteLength, reach, to);
      const found = easy ?? this.vacancies.takeShownExactly(byteLength);
      if (found !== undefined) return found;
    }
    if (reach === 'warm') return this.shortage('budget', requestedByteLength);
    return this.#map(byteLength, reach, to);
  }

  /** A new region where that takes nothing from anybody, so that one that was shown may rest; undefined at any refusal. */
  #mapWithEase(byteLength: number, reach: Reach, to: Taken): Region | undefined {
    const { regions } = this;
    if (reach === 'warm' || this.#crampedAtUnmapCount === regions.unmapCount) return undefined;
    if (byteLength > this.#room()) return undefined;
    try {
      const region = regions.map(byteLength);
      to.mapped.push(region);
      return region;
    } catch (error) {
      if (!isSecureMemoryError(error) || error.kind !== 'capacity') throw explainDenial(error);
      this.#crampedAtUnmapCount = regions.unmapCount;
      return undefined;
    }
  }

  /**
   * Maps a region, after giving back empty ones where the limit demands it. Nothing is given back for a request that
   * would not fit all the same, and nothing is mapped over our own limit where the system refused to take something back.
   */
  #map(byteLength: number, reach: Reach, to: Taken, closed = false): Region | Shortage {
    if (!this.#makeRoom(byteLength)) {
      const decides = reach === 'ask' && this.budget.kernelDecides;
      if (!decides) return this.shortage('budget', byteLength);
    }
    for (;;) {
      try {
        const { regions } = this;
        const region = closed ? regions.mapClosed(byteLength) : regions.map(byteLength);
        to.mapped.push(region);
        return region;
      } catch (error) {
        if (!isSecureMemoryError(error) || error.kind !== 'capacity') throw explainDenial(error);
        if (this.vacancies.byteLength > 0 && this.vacancies.reclaim(byteLength)) continue;
        return { ...this.shortage('kernel', byteLength), error };
      }
    }
  }

  /** Gives empty regions back until the limit leaves room for `byteLength`; false when it does not get there. */
  #makeRoom(byteLength: number): boolean {
    let missing = byteLength - this.#room();
    if (missing > 0 && this.regions.strandedCount > 0) {
      this.regions.retryRetired();
      missing = byteLength - this.#room();
    }
    if (missing <= 0) return true;
    if (missing > this.vacancies.byteLength) return false;
    this.vacancies.reclaim(missing);
    return byteLength <= this.#room();
  }

  /** Nothing new is placed where a protection is gone, and what is vacant there goes back to the system. */
  #noteLosses(found: readonly (readonly [Region, Losses | undefined])[]): void {
    const worse: Region[] = [];
    for (const [region, losses] of found) {
      const before = region.losses ?? NO_LOSSES;
      if (Object.keys(losses ?? {}).some((fact) => !(fact in before))) worse.push(region);
      this.regions.noteLosses(region, losses);
    }
    for (const slab of this.pool.slabs) {
      if (slab.region.losses !== undefined) this.pool.close(slab);
      else if (slab.closedToNew && slab.region.pinned === 0) this.pool.reopen(slab);
    }
    this.vacancies.giveBackLost();
    // Last: whoever hears of it finds all of it noted.
    for (const region of worse) this.regions.tellLosses(region);
  }

  #room(): number {
    return this.budget.limit().byteLength - this.regions.mappedByteLength;
  }
}
