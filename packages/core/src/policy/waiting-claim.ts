import type { SecureMemoryError } from '../contract/errors.js';
import type { Engine } from '../engine.js';
import type { Ownership } from '../lifetime/ownership.js';
import type { Reach } from '../placement/placement.js';
import { isShortage, type Shortage } from '../placement/shortage.js';
import { OWN_REGION, type SizeRouter } from '../placement/size-router.js';
import type { Secret } from '../secret/secret.js';
import type { Claim } from './admission.js';
import type { Granter } from './granter.js';
import { fragmentationOf, queueError, shortageError, waitTimeout } from './shortage-error.js';

/**
 * A request for a set of secrets that may wait. It is tried at every release, mostly in vain, so that trying costs next to
 * nothing while what it lacks is not there: no system call, and nothing is taken to be given back.
 */
export class WaitingClaim implements Claim {
  readonly need: string;
  readonly reject: (reason: unknown) => void;
  readonly #engine: Engine;
  readonly #granter: Granter;
  readonly #byteLengths: readonly number[];
  readonly #owner: Ownership;
  readonly #resolve: (secrets: Secret[]) => void;
  /** Fewest bytes of regions that could hold it; it does not change, so it is not reckoned twice. */
  #leastByteLength = -1;
  /** What it met last; and the epoch of the limit and the bytes mapped when it last asked for pages in vain. */
  #shortage: Shortage | undefined;
  #missedAt = -1;
  #mappedByteLength = 0;
  /** How many slots of which class it needs. */
  #counts: readonly [classIndex: number, count: number][] | undefined;
  /** The epoch in which the limit was found to be large enough. */
  #possibleAt = -1;

  constructor(
    engine: Engine,
    byteLengths: readonly number[],
    owner: Ownership,
    resolve: (secrets: Secret[]) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#engine = engine;
    this.#granter = engine.granter;
    this.#byteLengths = byteLengths;
    this.#owner = owner;
    this.#resolve = resolve;
    this.reject = reject;
    this.need = byteLengths.join();
  }

  tryGrant(reach: Reach): boolean {
    const { primary, standbys, sealingKey } = this.#engine;
    const { budget, lifecycle } = primary;
    const granter = this.#granter;
    // The sealing key is always on standby; with nobody else and without a page it has nothing to give up.
    const nothingOnStandby = standbys.size === 1 && sealingKey.byteLength === 0;
    if (nothingOnStandby && this.#stillMissing(reach) !== undefined) return false;
    const refused = granter.kernelRefusedAtUnmapCount === lifecycle.unmapCount;
    const within = reach === 'map' && refused ? 'warm' : reach;
    const found = budget.recall(() =>
      granter.place(this.#byteLengths, within, () => this.#stillMissing(within)),
    );
    if (!isShortage(found)) {
      this.#resolve(granter.handOut(found, this.#owner));
      return true;
    }
    if (!refused) this.#shortage = found;
    if (within === 'map') {
      this.#missedAt = budget.epoch;
      this.#mappedByteLength = lifecycle.mappedByteLength;
    }
    if (found.by === 'kernel') granter.kernelRefusedAtUnmapCount = lifecycle.unmapCount;
    return false;
  }

  impossible(): SecureMemoryError | undefined {
    const { budget, backend } = this.#engine.primary;
    if (this.#possibleAt === budget.epoch) return undefined;
    const impossible = budget.recall(() => {
      const { byteLength } = budget.limit();
      if (this.#fitsPlainly(byteLength, backend.pageByteLength)) return undefined;
      if (this.#least() <= byteLength) return undefined;
      return this.#granter.impossible(this.#byteLengths);
    });
    if (impossible === undefined) this.#possibleAt = budget.epoch;
    return impossible;
  }

  timedOut(waitedMs: number): SecureMemoryError {
    const { primary } = this.#engine;
    const { name } = primary.backend;
    const cause =
      this.#shortage === undefined
        ? queueError(this.#granter.admission.waiting, this.#least(), name)
        : shortageError(this.#shortage, name, 'allocate', fragmentationOf(primary));
    return waitTimeout(waitedMs, cause);
  }

  #least(): number {
    if (this.#leastByteLength < 0) {
      this.#leastByteLength = this.#engine.primary.leastByteLength(this.#byteLengths);
    }
    return this.#leastByteLength;
  }

  /** Whether there would be room if each secret had pages of its own, twice as many as it fills: cheaper to reckon. */
  #fitsPlainly(limitByteLength: number, pageByteLength: number): boolean {
    let pages = 0;
    for (const byteLength of this.#byteLengths) {
      pages += 1 + Math.ceil((2 * byteLength) / pageByteLength);
    }
    return pages * pageByteLength <= limitByteLength;
  }

  /**
   * The shortage of the last attempt, where that was one of our own account and is plain to see to be there still: a size
   * has no free slot, and no page came, went or may be had.
   */
  #stillMissing(reach: Reach): Shortage | undefined {
    const shortage = this.#shortage;
    if (shortage?.by !== 'budget') return undefined;
    const { pool, router, vacancies, lifecycle, budget } = this.#engine.primary;
    if (vacancies.mayBeAny || lifecycle.strandedCount > 0) return undefined;
    const sameRoom =
      this.#missedAt === budget.epoch && this.#mappedByteLength === lifecycle.mappedByteLength;
    if (reach !== 'warm' && !sameRoom) return undefined;
    this.#counts ??= countByClass(this.#byteLengths, router);
    for (const [classIndex, count] of this.#counts) {
      if (classIndex === OWN_REGION || pool.slabWithFree(classIndex) === undefined) return shortage;
      if (count > 1 && pool.freeSlots(classIndex) < count) return shortage;
    }
    return undefined;
  }
}

function countByClass(byteLengths: readonly number[], router: SizeRouter): [number, number][] {
  const counts = new Map<number, number>();
  for (const byteLength of byteLengths) {
    const classIndex = router.classOf(byteLength);
    counts.set(classIndex, (counts.get(classIndex) ?? 0) + 1);
  }
  return [...counts];
}
