import type { MemoryBackend } from '../contract/backend.js';
import type { LockBudget } from '../limits/lock-budget.js';
import { isShortage, type Shortage } from '../limits/shortage.js';
import type { Fragmentation } from '../limits/shortage-error.js';
import { Contention } from './contention.js';
import { fragmentationOf } from './fragmentation.js';
import { askKernel, type KernelReport } from './kernel-check.js';
import type { SealingKeyForm } from './key-form.js';
import { OwnRegion, type OwnRegionOwner } from './own-region.js';
import type { Place, PlaceHost } from './place-host.js';
import { type Losses, NO_LOSSES, type Region } from './region.js';
import { type Reach, RegionSource } from './region-source.js';
import type { Regions } from './regions.js';
import { Reservation } from './reservation.js';
import { Sharing, type SharingOptions } from './sharing.js';
import { Slab } from './slab.js';
import { SlabPool } from './slab-pool.js';
import { Vacancies, type VacancyOptions } from './vacancies.js';

/** In bytes: a symmetric key or a private key of an elliptic curve. */
const TYPICAL_BYTE_LENGTH = 32;

export interface PlacementOptions extends VacancyOptions, SharingOptions {}

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
  readonly sharing: Sharing;
  readonly contention = new Contention();
  /** What is kept for somebody who waits. */
  reservation: Reservation | undefined;
  readonly #source: RegionSource;
  readonly #options: PlacementOptions;
  #refusedAtUnmapCount = -1;

  constructor(regions: Regions, budget: LockBudget, options: PlacementOptions) {
    this.regions = regions;
    this.backend = regions.backend;
    this.budget = budget;
    this.#options = options;
    this.pool = new SlabPool(options.pooledByteLengthMax, this.backend.pageByteLength, () =>
      this.vacancies.sweepLater(),
    );
    this.vacancies = new Vacancies(regions, this.pool, options);
    regions.onStranded = () => this.vacancies.sweepLater();
    this.#source = new RegionSource(regions, budget, this.vacancies, this.contention);
    this.sharing = new Sharing(
      this.pool,
      this.vacancies,
      this.#source,
      budget,
      options,
      this.backend.pageByteLength,
    );
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

  reserve(byteLength: number, count: number, form: SealingKeyForm): Region[] | Shortage {
    return this.#source.reserve(byteLength, count, form);
  }

  /** The fewest bytes of regions that could ever hold this set, all else empty. */
  leastByteLength(byteLengths: readonly number[]): number {
    let total = 0;
    for (const byteLength of byteLengths) {
      if (this.sharing.classOf(byteLength) === undefined) total += this.ownByteLength(byteLength);
    }
    return total + this.sharing.leastByteLength(this.sharing.countsOf(byteLengths));
  }

  /** What `count` secrets of a key's length need. */
  leastByteLengthOfPooled(count: number): number {
    const classIndex = this.sharing.classOf(TYPICAL_BYTE_LENGTH);
    if (classIndex === undefined) return count * this.ownByteLength(TYPICAL_BYTE_LENGTH);
    return this.sharing.leastByteLength(new Map([[classIndex, count]]));
  }

  ownByteLength(byteLength: number): number {
    const { pageByteLength, capabilities } = this.backend;
    return OwnRegion.byteLengthFor(byteLength, pageByteLength, capabilities.guardPages);
  }

  /** Whether a secret of this length would be given a place like this one. */
  suits(host: PlaceHost, index: number, byteLength: number): boolean {
    const shares = this.sharing.classOf(byteLength) !== undefined;
    return host instanceof Slab ? shares && host.fits(index, byteLength) : !shares;
  }

  /** In the slabs that it keeps nobody else is given a place until `letGo`. */
  keepFor(byteLengths: readonly number[]): void {
    this.letGo();
    const free = Math.max(0, this.#source.room) + this.vacancies.spareByteLength;
    this.reservation = new Reservation(byteLengths, this, free);
  }

  letGo(): void {
    this.reservation?.end();
    this.reservation = undefined;
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
    this.reservation?.tick();
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

  /**
   * Wipes everything now, region by region, and ends all places. It unmaps nothing, since that takes the kernel longer than wiping,
   * but what cannot be wiped: what is empty goes back in the turns to come, or before that to whoever needs it.
   */
  purge(): void {
    const reusable = new Set(this.vacancies.spareRegions());
    for (const { region } of this.hosts()) reusable.add(region);
    this.#endPlaces();
    // The others are pages for keys, or just being put to use.
    for (const region of this.regions.all) {
      if (this.regions.clear(region, reusable.has(region))) this.vacancies.add(region);
    }
    this.vacancies.giveBackAllSoon();
  }

  /** Ends all places for good: all regions are to be given back, and what the system refuses to take is not tried again. */
  end(): void {
    this.regions.onStranded = () => {};
    this.#endPlaces();
    this.regions.retireAll();
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
    return this.#source.shortage(by, requestedByteLength);
  }

  /** What keeps the free bytes of slabs from whoever wants `requestedByteLength` bytes of pages. */
  fragmentation(requestedByteLength: number): Fragmentation {
    return fragmentationOf(this.pool.slabs, this.regions.mappedByteLength, requestedByteLength);
  }

  #endPlaces(): void {
    const hosts = [...this.hosts()];
    // First abandoned: the pool counts its empty slabs by those whose last secret it saw go.
    for (const slab of [...this.pool.slabs]) this.pool.abandon(slab);
    for (const host of hosts) host.endAll();
    this.ownRegions.clear();
    this.vacancies.clear();
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
      const classIndex = alone ? undefined : this.sharing.classOf(byteLength);
      const rest = () => order.slice(position).map((j) => byteLengths[j] as number);
      const found =
        classIndex === undefined
          ? this.#placeAlone(byteLength, reach, to.mapped)
          : this.sharing.place(byteLength, classIndex, rest, reach, to.mapped);
      if (isShortage(found)) return found;
      to.places[i] = found;
    }
    return undefined;
  }

  #placeAlone(byteLength: number, reach: Reach, mapped: Region[]): Place | Shortage {
    const region = this.#regionFor(this.ownByteLength(byteLength), reach, mapped);
    return isShortage(region) ? region : { host: this.#settle(region, byteLength), index: 0 };
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
  #regionFor(byteLength: number, reach: Reach, mapped: Region[]): Region | Shortage {
    const { vacancies } = this;
    if (reach === 'slots') return this.shortage('budget', byteLength);
    const vacant = vacancies.takeExactly(byteLength);
    if (vacant !== undefined) return vacant;
    if (vacancies.mayReuseShown) {
      const easy = this.#source.mapWithEase(byteLength, reach, mapped);
      const found = easy ?? vacancies.takeShownExactly(byteLength);
      if (found !== undefined) return found;
    }
    return this.#source.map(byteLength, reach, mapped);
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
}
