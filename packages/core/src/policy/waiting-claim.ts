import type { SecureMemoryError } from '../contract/errors.js';
import type { Engine } from '../engine.js';
import type { Ownership } from '../lifetime/ownership.js';
import type { Reach } from '../placement/placement.js';
import { isShortage, type Shortage } from '../placement/shortage.js';
import { OWN_REGION } from '../placement/size-router.js';
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
  #shortage: Shortage | undefined;

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
    const { budget, lifecycle } = this.#engine.primary;
    const granter = this.#granter;
    const refused = granter.kernelRefusedAtUnmapCount === lifecycle.unmapCount;
    const within = reach === 'map' && refused ? 'warm' : reach;
    const found = budget.recall(() =>
      granter.place(this.#byteLengths, within, () => this.#stillMissing()),
    );
    if (!isShortage(found)) {
      this.#resolve(granter.handOut(found, this.#owner));
      return true;
    }
    if (!refused) this.#shortage = found;
    if (found.by === 'kernel') granter.kernelRefusedAtUnmapCount = lifecycle.unmapCount;
    return false;
  }

  impossible(): SecureMemoryError | undefined {
    const { budget } = this.#engine.primary;
    return budget.recall(() => {
      if (this.#least() <= budget.limit().byteLength) return undefined;
      return this.#granter.impossible(this.#byteLengths);
    });
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

  /** The shortage of the last attempt, where it was one of our own account and is plain to see to be there still. */
  #stillMissing(): Shortage | undefined {
    if (this.#shortage?.by !== 'budget') return undefined;
    const { primary } = this.#engine;
    const { pool, router, vacancies, lifecycle, backend, budget } = primary;
    if (lifecycle.mappedByteLength + backend.pageByteLength <= budget.limit().byteLength) {
      return undefined;
    }
    if (vacancies.byteLength > 0 || lifecycle.strandedCount > 0) return undefined;
    for (const byteLength of this.#byteLengths) {
      const classIndex = router.classOf(byteLength);
      if (classIndex === OWN_REGION || pool.slabWithFree(classIndex) === undefined) {
        return this.#shortage;
      }
    }
    return undefined;
  }
}
