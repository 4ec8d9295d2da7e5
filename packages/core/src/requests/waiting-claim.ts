import type { SecureMemoryError } from '../contract/errors.js';
import type { Engine } from '../engine.js';
import type { Ownership } from '../lifetime/ownership.js';
import { isShortage, type Shortage } from '../limits/shortage.js';
import { queueError, shortageError, waitTimeout } from '../limits/shortage-error.js';
import type { Reach } from '../placement/placement.js';
import { OWN_REGION, type SizeRouter } from '../placement/size-router.js';
import type { SlabPool } from '../placement/slab-pool.js';
import type { Claim } from '../places/admission.js';
import type { Secret } from '../secret/secret.js';
import type { Granter } from './granter.js';

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
  /** What it met when it was tried last; and whether a glance told that there was no room. */
  #shortage: Shortage | undefined;
  #missed = false;
  /** The size class of each secret. */
  #classes: readonly number[] | undefined;

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
    const { standbys, sealingKey } = this.#engine;
    // The sealing key is always on standby; with nobody else and without a page it has nothing to give up.
    const nothingOnStandby = standbys.size === 1 && sealingKey.byteLength === 0;
    if (nothingOnStandby && this.#isMissing(reach)) return false;
    return this.#take(reach);
  }

  /** Apart from the glance before it, which makes no garbage so. */
  #take(reach: Reach): boolean {
    const { budget, regions } = this.#engine.primary;
    const granter = this.#granter;
    const refused = granter.kernelRefusedAtUnmapCount === regions.unmapCount;
    const within = reach === 'map' && refused ? 'warm' : reach;
    const missing = (): Shortage | undefined =>
      this.#isMissing(within) ? this.#recalledShortage() : undefined;
    const found = budget.recall(() => granter.place(this.#byteLengths, within, missing));
    if (!isShortage(found)) {
      this.#resolve(granter.handOut(found, this.#owner));
      return true;
    }
    if (!refused) this.#shortage = found;
    if (found.by === 'kernel') granter.kernelRefusedAtUnmapCount = regions.unmapCount;
    return false;
  }

  impossible(): SecureMemoryError | undefined {
    const { budget, backend } = this.#engine.primary;
    const byteLength = budget.recalledByteLength;
    if (this.#fitsPlainly(byteLength, backend.pageByteLength)) return undefined;
    return this.#least() <= byteLength ? undefined : this.#refusal();
  }

  #refusal(): SecureMemoryError | undefined {
    const { budget } = this.#engine.primary;
    return budget.recall(() => this.#granter.impossible(this.#byteLengths));
  }

  timedOut(waitedMs: number): SecureMemoryError {
    const { primary } = this.#engine;
    const { name } = primary.backend;
    const shortage = this.#missed ? this.#recalledShortage() : this.#shortage;
    const cause =
      shortage === undefined
        ? queueError(this.#granter.admission.waiting, this.#least(), name)
        : shortageError(shortage, name, 'allocate', primary.fragmentation());
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
    const byteLengths = this.#byteLengths;
    let pages = 0;
    for (let i = 0; i < byteLengths.length; i++) {
      pages += 1 + Math.ceil((2 * (byteLengths[i] as number)) / pageByteLength);
    }
    return pages * pageByteLength <= limitByteLength;
  }

  /** Whether it is plain to see that there is no room: no page is vacant or may be had, and a size has no free slot. */
  #isMissing(reach: Reach): boolean {
    const { pool, router, vacancies, regions, budget, backend } = this.#engine.primary;
    if (vacancies.mayBeAny || regions.strandedCount > 0) return false;
    const next = regions.mappedByteLength + backend.pageByteLength;
    if (reach !== 'warm' && next <= budget.recalledByteLength) return false;
    this.#classes ??= this.#classesIn(router);
    if (!lacksSlot(this.#classes, pool)) return false;
    this.#missed = true;
    return this.#shortage === undefined || this.#shortage.by === 'budget';
  }

  #classesIn(router: SizeRouter): readonly number[] {
    return this.#byteLengths.map((byteLength) => router.classOf(byteLength));
  }

  #recalledShortage(): Shortage {
    const { primary } = this.#engine;
    this.#shortage ??= primary.budget.recall(() => primary.shortage('budget', this.#least()));
    return this.#shortage;
  }
}

/** Sets up to this length are looked through for secrets of the same size; a longer one is tried instead. */
const COMPARED_MAX = 8;

function lacksSlot(classes: readonly number[], pool: SlabPool): boolean {
  for (let i = 0; i < classes.length; i++) {
    const classIndex = classes[i] as number;
    if (classIndex === OWN_REGION || pool.slabWithFree(classIndex) === undefined) return true;
    let count = 1;
    for (let j = 0; j < i && i < COMPARED_MAX; j++) if (classes[j] === classIndex) count++;
    if (count > 1 && pool.freeSlots(classIndex) < count) return true;
  }
  return false;
}
