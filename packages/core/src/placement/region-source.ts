import { isSecureMemoryError } from '../contract/errors.js';
import type { LockBudget } from '../limits/lock-budget.js';
import { isShortage, type Shortage } from '../limits/shortage.js';
import { explainDenial } from '../limits/shortage-error.js';
import type { Contention } from './contention.js';
import type { SealingKeyForm } from './key-form.js';
import type { Region } from './region.js';
import type { Regions } from './regions.js';
import type { Vacancies } from './vacancies.js';

/**
 * How far an attempt may go. `slots`: only into slabs in which others live. `warm`: only into what is mapped already. `map`: also new regions, as the budget allows.
 * `ask`: the same, and where the budget is the kernel's own limit the kernel is asked even though the account says no: a
 * caller who is about to be refused gets the system's error number instead of ours.
 */
export type Reach = 'slots' | 'warm' | 'map' | 'ask';

export const mayMap = (reach: Reach): boolean => reach === 'map' || reach === 'ask';

/** New regions, as far as the limit leaves room for them. What is mapped for one request is noted in its list `to`. */
export class RegionSource {
  readonly #regions: Regions;
  readonly #budget: LockBudget;
  readonly #vacancies: Vacancies;
  readonly #contention: Contention;
  /** A region that was wanted only so that others may rest was refused: not tried again before something is unmapped. */
  #crampedAtUnmapCount = -1;

  constructor(regions: Regions, budget: LockBudget, vacancies: Vacancies, contention: Contention) {
    this.#contention = contention;
    this.#regions = regions;
    this.#budget = budget;
    this.#vacancies = vacancies;
  }

  /** Bytes that the limit leaves; negative where it was lowered. */
  get room(): number {
    return this.#budget.limit().byteLength - this.#regions.mappedByteLength;
  }

  /** Why `requestedByteLength` bytes cannot be had, with the numbers of this moment. */
  shortage(by: Shortage['by'], requestedByteLength: number): Shortage {
    return {
      by,
      requestedByteLength,
      inUseByteLength: this.#regions.mappedByteLength,
      limit: this.#budget.limit(),
    };
  }

  /** A new region where that takes nothing from anybody, so that one that was shown may rest; undefined at any refusal. */
  mapWithEase(byteLength: number, reach: Reach, to: Region[]): Region | undefined {
    if (!mayMap(reach) || this.#crampedAtUnmapCount === this.#regions.unmapCount) return undefined;
    if (byteLength > this.room) return undefined;
    try {
      const region = this.#regions.map(byteLength);
      to.push(region);
      return region;
    } catch (error) {
      if (!isSecureMemoryError(error) || error.kind !== 'capacity') throw explainDenial(error);
      this.#crampedAtUnmapCount = this.#regions.unmapCount;
      this.#contention.note();
      return undefined;
    }
  }

  /**
   * Maps a region, after giving back empty ones where the limit demands it. Nothing is given back for a request that
   * would not fit all the same, and nothing is mapped over our own limit where the system refused to take something back.
   * `keys`: for keys of our own in this form.
   */
  map(byteLength: number, reach: Reach, to: Region[], keys?: SealingKeyForm): Region | Shortage {
    if (!mayMap(reach)) return this.shortage('budget', byteLength);
    const hasRoom = this.#makeRoom(byteLength);
    if (!hasRoom) {
      const decides = reach === 'ask' && this.#budget.kernelDecides;
      if (!decides) return this.shortage('budget', byteLength);
    }
    for (;;) {
      try {
        const regions = this.#regions;
        const region =
          keys === undefined ? regions.map(byteLength) : regions.mapForKeys(byteLength, keys);
        to.push(region);
        return region;
      } catch (error) {
        if (!isSecureMemoryError(error) || error.kind !== 'capacity') throw explainDenial(error);
        if (hasRoom) this.#contention.note();
        if (this.#reclaim(byteLength)) continue;
        return { ...this.shortage('kernel', byteLength), error };
      }
    }
  }

  /** The same, or at least `least` bytes where so much cannot be had. */
  mapAtLeast(least: number, wanted: number, reach: Reach, to: Region[]): Region | Shortage {
    const region = this.map(wanted, reach, to);
    return isShortage(region) && wanted > least ? this.map(least, reach, to) : region;
  }

  /**
   * `count` regions for keys of our own in this form, or a shortage with none of them mapped: charged to the budget like any
   * other and cut into nothing. Throws what is not a matter of capacity, and the same holds.
   */
  reserve(byteLength: number, count: number, form: SealingKeyForm): Region[] | Shortage {
    const mapped: Region[] = [];
    try {
      while (mapped.length < count) {
        const found = this.map(byteLength, 'ask', mapped, form);
        if (!isShortage(found)) continue;
        for (const region of mapped) this.#regions.unmap(region);
        const { by, error } = found;
        const shortage = this.shortage(by, byteLength * count);
        return error === undefined ? shortage : { ...shortage, error };
      }
      return mapped;
    } catch (error) {
      for (const region of mapped) this.#regions.unmap(region);
      throw error;
    }
  }

  /** Gives back what may make room under the kernel's limit; false where nothing went. */
  #reclaim(byteLength: number): boolean {
    if (this.#regions.strandedCount > 0 && this.#regions.retryRetired()) return true;
    return this.#vacancies.byteLength > 0 && this.#vacancies.reclaim(byteLength);
  }

  /** Gives empty regions back until the limit leaves room for `byteLength`; false when it does not get there. */
  #makeRoom(byteLength: number): boolean {
    let missing = byteLength - this.room;
    if (missing > 0 && this.#regions.strandedCount > 0) {
      this.#regions.retryRetired();
      missing = byteLength - this.room;
    }
    if (missing <= 0) return true;
    if (missing > this.#vacancies.byteLength) return false;
    this.#vacancies.reclaim(missing);
    return byteLength <= this.room;
  }
}
