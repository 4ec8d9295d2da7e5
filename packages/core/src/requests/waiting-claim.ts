import type { SecureMemoryError } from '../contract/errors.js';
import { isShortage, type Shortage } from '../limits/shortage.js';
import { queueRefusal, shortageRefusal, waitTimeout } from '../limits/shortage-error.js';
import type { Place } from '../placement/place-host.js';
import type { Placement } from '../placement/placement.js';
import { mayMap, type Reach } from '../placement/region-source.js';
import { strideOf } from '../placement/size-classes.js';
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
  /** Slabs are kept for it. */
  #keeps = false;
  /** It was last looked at only for places that the first in the queue cannot use. */
  #shutOut = false;
  /** Fewest bytes of regions that could hold it, reckoned once under each limit. */
  #leastByteLength = -1;
  /** The shortage of the last full attempt, and whether the quick check has failed since. */
  #shortage: Shortage | undefined;
  #missed = false;
  /** What it wants, reckoned once under each limit. */
  #need: Need | undefined;
  #limitByteLength = -1;

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
    const kept = this.#keeps ? this.#places.primary.reservation : undefined;
    return kept === undefined ? this.#tryGrant(reach) : kept.lent(() => this.#tryGrant(reach));
  }

  keep(): void {
    this.#keeps = true;
    this.#places.primary.keepFor(this.#byteLengths);
  }

  letGo(): void {
    this.#keeps = false;
    this.#places.primary.letGo();
  }

  #tryGrant(reach: Reach): boolean {
    this.#shutOut = reach === 'slots';
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
      shortage === undefined || this.#shutOut
        ? queueRefusal(this.#places.admission.waiting, this.#least(), name, 'allocate', 'waited')
        : shortageRefusal(
            shortage,
            name,
            'allocate',
            primary.fragmentation(this.#least()),
            'waited',
          );
    return waitTimeout(waitedMs, cause);
  }

  #least(): number {
    if (this.#leastByteLength < 0) {
      const { primary } = this.#places;
      const least = () => primary.leastByteLength(this.#byteLengths);
      this.#leastByteLength = primary.budget.recall(least);
    }
    return this.#leastByteLength;
  }

  /**
   * Whether it is plain to see that there is no room. A set needs no more bytes than are free, vacant and left by the limit in
   * all; and where no page is vacant or may be had, the slabs have a place for each length.
   */
  #isMissing(reach: Reach): boolean {
    const { vacancies, regions, budget, backend, pool } = this.#places.primary;
    if (regions.strandedCount > 0) return false;
    const need = this.#needUnder(budget.recalledByteLength);
    const room = !mayMap(reach) ? 0 : budget.recalledByteLength - regions.mappedByteLength;
    const vacant = reach !== 'slots' && vacancies.mayBeAny;
    const pages = vacant || room >= backend.pageByteLength;
    if (pages || lacksNoClass(need, pool)) {
      if (this.#byteLengths.length === 1) return false;
      const free = pool.freeByteLength + vacancies.spareByteLength + Math.max(0, room);
      if (need.byteLength <= free) return false;
    }
    this.#missed = true;
    return this.#shortage === undefined || this.#shortage.by === 'budget';
  }

  /** It changes with the limit: what shares pages under a tight one has pages of its own under another. */
  #needUnder(limitByteLength: number): Need {
    if (this.#need !== undefined && this.#limitByteLength === limitByteLength) return this.#need;
    const { primary } = this.#places;
    this.#limitByteLength = limitByteLength;
    this.#leastByteLength = -1;
    this.#need = primary.budget.recall(() => needOf(primary, this.#byteLengths));
    return this.#need;
  }

  #recalledShortage(): Shortage {
    const { primary } = this.#places;
    this.#shortage ??= primary.budget.recall(() => primary.shortage('budget', this.#least()));
    return this.#shortage;
  }
}

/** What a set wants of slabs and regions. What it costs to look at it grows with its classes, not with its length. */
interface Need {
  readonly classes: readonly number[];
  /** One of them at least has a region of its own. */
  readonly alone: boolean;
  /** In all, each with one canary where it shares a slab. */
  readonly byteLength: number;
}

function needOf(placement: Placement, byteLengths: readonly number[]): Need {
  const classes = new Set<number>();
  let alone = false;
  let total = 0;
  for (const byteLength of byteLengths) {
    const classIndex = placement.sharing.classOf(byteLength);
    if (classIndex === undefined) {
      alone = true;
      total += placement.ownByteLength(byteLength);
    } else {
      classes.add(classIndex);
      total += strideOf(classIndex);
    }
  }
  return { classes: [...classes], alone, byteLength: total };
}

/** Whether the slabs may hold one of each length. */
function lacksNoClass({ classes, alone }: Need, pool: SlabPool): boolean {
  return !alone && classes.every((classIndex) => pool.mayHold(classIndex));
}
