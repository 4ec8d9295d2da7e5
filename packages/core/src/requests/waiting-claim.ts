import type { SecureMemoryError } from '../contract/errors.js';
import { isShortage, type Shortage } from '../limits/shortage.js';
import { queueRefusal, shortageRefusal, waitTimeout } from '../limits/shortage-error.js';
import type { Place } from '../placement/place-host.js';
import type { Reach } from '../placement/placement.js';
import type { SlabPool } from '../placement/slab-pool.js';
import type { Claim } from '../places/claim.js';
import type { Places } from '../places/places.js';

/** What a claim needs of whoever finds places. */
export interface PlaceFinder {
  /** Places for all, or a shortage with nothing taken; `missing` says at little cost that there is one. */
  find(
    byteLengths: readonly number[],
    reach: Reach,
    missing: () => Shortage | undefined,
  ): readonly Place[] | Shortage;
  /** The error for what can never fit under the limit in force now, whatever is released. */
  impossible(byteLengths: readonly number[]): SecureMemoryError | undefined;
}

/**
 * A request for a set of places that may wait. It is tried at every release, mostly in vain, so that trying costs next to
 * nothing while what it lacks is not there: no system call, and nothing is taken to be given back.
 */
export class WaitingClaim implements Claim {
  readonly need: string;
  readonly #places: Places;
  readonly #finder: PlaceFinder;
  readonly #byteLengths: readonly number[];
  readonly #grant: (places: readonly Place[]) => void;
  readonly #reject: (reason: unknown) => void;
  #rejected = false;
  /** Fewest bytes of regions that could hold it; it does not change, so it is not reckoned twice. */
  #leastByteLength = -1;
  /** The shortage of the last full attempt, and whether the quick check has failed since. */
  #shortage: Shortage | undefined;
  #missed = false;
  /** The size class of each secret; undefined where it gets a region of its own. */
  #classes: readonly (number | undefined)[] | undefined;

  /** `grant` hands over what was found, and throws what that throws. */
  constructor(
    places: Places,
    finder: PlaceFinder,
    byteLengths: readonly number[],
    grant: (places: readonly Place[]) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#places = places;
    this.#finder = finder;
    this.#byteLengths = byteLengths;
    this.#grant = grant;
    this.#reject = reject;
    this.need = byteLengths.join();
  }

  tryGrant(reach: Reach): boolean {
    if (this.#places.standbys.size === 0 && this.#isMissing(reach)) return false;
    return this.#take(reach);
  }

  /** Kept out of `tryGrant` so that the common miss allocates nothing. */
  #take(reach: Reach): boolean {
    const { primary } = this.#places;
    const refused = primary.kernelRefuses;
    const within = reach === 'map' && refused ? 'warm' : reach;
    const missing = (): Shortage | undefined =>
      this.#isMissing(within) ? this.#recalledShortage() : undefined;
    const found = primary.budget.recall(() =>
      this.#finder.find(this.#byteLengths, within, missing),
    );
    if (!isShortage(found)) {
      if (!this.#rejected && this.#places.isOpen) {
        this.#grant(found);
        return true;
      }
      // A backend that calls back into the allocator may end the wait while it maps.
      for (const { host, index } of found) host.release(index);
      return false;
    }
    if (!refused) this.#shortage = found;
    if (found.by === 'kernel') primary.noteKernelRefusal();
    return false;
  }

  impossible(): SecureMemoryError | undefined {
    const { budget } = this.#places.primary;
    if (this.#least() <= budget.recalledByteLength) return undefined;
    return budget.recall(() => this.#finder.impossible(this.#byteLengths));
  }

  reject(reason: unknown): void {
    this.#rejected = true;
    this.#reject(reason);
  }

  timedOut(waitedMs: number): SecureMemoryError {
    const { primary } = this.#places;
    const { name } = primary.backend;
    const shortage = this.#missed ? this.#recalledShortage() : this.#shortage;
    const cause =
      shortage === undefined
        ? queueRefusal(this.#places.admission.waiting, this.#least(), name, 'allocate', 'waited')
        : shortageRefusal(shortage, name, 'allocate', primary.fragmentation(), 'waited');
    return waitTimeout(waitedMs, cause);
  }

  #least(): number {
    if (this.#leastByteLength < 0) {
      this.#leastByteLength = this.#places.primary.leastByteLength(this.#byteLengths);
    }
    return this.#leastByteLength;
  }

  /** Whether it is plain to see that there is no room: no page is vacant or may be had, and a size has no free slot. */
  #isMissing(reach: Reach): boolean {
    const { pool, vacancies, regions, budget, backend } = this.#places.primary;
    if (vacancies.mayBeAny || regions.strandedCount > 0) return false;
    const next = regions.mappedByteLength + backend.pageByteLength;
    if (reach !== 'warm' && next <= budget.recalledByteLength) return false;
    this.#classes ??= this.#byteLengths.map((byteLength) => pool.classOf(byteLength));
    if (!lacksSlot(this.#classes, pool)) return false;
    this.#missed = true;
    return this.#shortage === undefined || this.#shortage.by === 'budget';
  }

  #recalledShortage(): Shortage {
    const { primary } = this.#places;
    this.#shortage ??= primary.budget.recall(() => primary.shortage('budget', this.#least()));
    return this.#shortage;
  }
}

/** Sets up to this length are looked through for secrets of the same size; a longer one is tried instead. */
const COMPARED_MAX = 8;

function lacksSlot(classes: readonly (number | undefined)[], pool: SlabPool): boolean {
  for (let i = 0; i < classes.length; i++) {
    const classIndex = classes[i];
    if (classIndex === undefined || pool.slabWithAny(classIndex) === undefined) return true;
    let count = 1;
    for (let j = 0; j < i && i < COMPARED_MAX; j++) if (classes[j] === classIndex) count++;
    if (count > 1 && pool.freeSlots(classIndex) < count) return true;
  }
  return false;
}
