import { isSecureMemoryError, type SecureMemoryError } from '../contract/errors.js';
import { respondTo } from '../limits/capacity-policy.js';
import { isHopeless, isShortage, type Shortage } from '../limits/shortage.js';
import { setTooLong } from '../limits/shortage-error.js';
import type { OnCapacity } from '../options.js';
import { couldHold } from '../placement/could-hold.js';
import type { Place } from '../placement/place-host.js';
import type { Placement } from '../placement/placement.js';
import type { Reach } from '../placement/region-source.js';
import type { Slab } from '../placement/slab.js';
import type { SlabPool } from '../placement/slab-pool.js';
import type { Places } from '../places/places.js';
import { demand } from '../places/receipt.js';
import { abortWith } from '../places/shutdown.js';
import { Mover } from './mover.js';
import { refusal } from './refusal.js';
import { tracedClaim } from './traced-claim.js';
import { type PlaceFinder, WaitingClaim } from './waiting-claim.js';

/** What a caller says about one request. */
export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onCapacity?: OnCapacity | undefined;
  readonly waitMsMax?: number | undefined;
}

/** Takes over places in the step of their grant, before anything can come between them and their handles. */
export type Hand<T> = (places: readonly Place[]) => T;

/**
 * Turns requests into places: finds them, lets requests wait in turn, falls back, aborts or refuses, by policy. Arguments
 * are taken as checked.
 */
export class Granter implements PlaceFinder {
  /** Places granted on the fallback, ever. */
  fallbacks = 0;
  /** Takes secrets to other places. */
  readonly mover: Mover;
  readonly #places: Places;
  readonly #pool: SlabPool;
  readonly #secretsMax: number;
  #fallingBack = false;

  constructor(places: Places) {
    this.#places = places;
    this.mover = new Mover(places);
    this.#pool = places.primary.pool;
    this.#secretsMax = places.options.secretsMax;
  }

  /**
   * The steady state: a slab with a free slot, when nobody waits. Undefined when a place takes more than that, or is refused.
   * `take` takes the slot.
   *
   * What runs from the user's call to the handle and back is kept so short that the compiler makes one function of it; when
   * it makes several, allocating and disposing 32 bytes takes up to half as long again.
   */
  freeSlab(byteLength: number): Slab | undefined {
    const places = this.#places;
    if (!places.isOpen || places.admission.waiting > 0) return undefined;
    if (places.live >= this.#secretsMax) return undefined;
    const slab = this.#pool.slabFor(byteLength);
    return slab === undefined || slab.region.openBecause !== undefined ? undefined : slab;
  }

  /** The index of the slot taken. Precondition: `freeSlab` gave the slab in this step. */
  take(slab: Slab, byteLength: number): number {
    this.#places.live++;
    this.#fallingBack = false;
    return this.#pool.takeFrom(slab, byteLength);
  }

  /** All places at once, as `hand` gives them on, or an error and nothing taken. */
  grantSync<T>(
    byteLengths: readonly number[],
    onCapacity: OnCapacity | undefined,
    hand: Hand<T>,
  ): T {
    return this.#places.telemetry.outbox.during(() => {
      const found = this.#tryNow(byteLengths, hand);
      if ('handed' in found) return found.handed;
      const { error } = found;
      const response = respondTo(error, onCapacity ?? this.#places.options.onCapacity);
      if (response === 'abort')
        return abortWith(error, () => this.#places.lastPurge.purge('abort'));
      if (response === 'fallback') return this.#fallBack(error, byteLengths, hand);
      throw error;
    });
  }

  /**
   * All places when there is room for all, in turn; the promise resolves to what `hand` gives. `owner` is whoever may cancel
   * the wait.
   */
  grant<T>(
    byteLengths: readonly number[],
    request: RequestOptions,
    owner: object,
    hand: Hand<T>,
  ): Promise<T> {
    const { options, telemetry } = this.#places;
    const onCapacity = request.onCapacity ?? options.onCapacity;
    return new Promise((resolve, reject) => {
      if (onCapacity !== 'wait') {
        resolve(this.grantSync(byteLengths, onCapacity, hand));
        return;
      }
      this.#assertSetLength(byteLengths);
      const grant = (found: readonly Place[]): void => resolve(this.#handOut(found, hand));
      const claim = new WaitingClaim(this.#places, this, byteLengths, grant, reject);
      // One step: nobody can end the wait between the last look and the queue.
      telemetry.outbox.during(() => this.#serveOrQueue(claim, byteLengths, request, owner));
    });
  }

  /** Throws what waiting would be in vain for, and `ERR_SECMEM_QUEUE_FULL`. */
  #serveOrQueue(
    claim: WaitingClaim,
    byteLengths: readonly number[],
    request: RequestOptions,
    owner: object,
  ): void {
    const { admission, options, primary, telemetry } = this.#places;
    if (admission.waiting === 0) primary.budget.forget();
    if (admission.serveNewcomer(claim)) return;
    if (claim.impossible() !== undefined) {
      primary.budget.forget();
      const impossible = claim.impossible();
      if (impossible !== undefined) throw impossible;
    }
    const { signal, waitMsMax = options.waitMsMax } = request;
    const traced = tracedClaim(claim, telemetry, byteLengths);
    admission.enqueue(traced ?? claim, { waitMsMax, signal, owner });
    traced?.joined();
  }

  /** Places for all, or a shortage with nothing taken; `missing` says at little cost that there is one. */
  find(
    byteLengths: readonly number[],
    reach: Reach,
    missing?: () => Shortage | undefined,
  ): readonly Place[] | Shortage {
    const places = this.#places;
    const found = places.orGiveUp(() => missing?.() ?? this.#tryPlace(byteLengths, reach));
    if (!isShortage(found) || !places.quarantine.sweep() || isHopeless(found)) return found;
    return this.#tryPlace(byteLengths, reach);
  }

  /** The error for what can never fit under the limit in force now, whatever is released. */
  impossible(byteLengths: readonly number[]): SecureMemoryError | undefined {
    const { primary } = this.#places;
    const limit = primary.budget.limit();
    const least = primary.leastByteLength(byteLengths);
    if (least <= limit.byteLength || couldHold(primary, byteLengths)) return undefined;
    const found = this.find(byteLengths, 'ask');
    if (isShortage(found)) {
      return refusal(this.#places, primary, found, byteLengths, 'allocate');
    }
    // There are slots of before the limit was lowered. They are for whoever comes first in the queue.
    for (const { host, index } of found) host.release(index);
    return undefined;
  }

  /**
   * Counts places as taken and hands them out. Throws `ERR_SECMEM_GUARANTEE_UNMET`, all of them released, when one of them
   * is not what is required.
   */
  #handOut<T>(found: readonly Place[], hand: Hand<T>): T {
    const places = this.#places;
    const { require } = places.options;
    places.live += found.length;
    this.#fallingBack = false;
    for (const { host } of found) {
      const { openBecause, losses } = host.region;
      const sound = openBecause === undefined && losses === undefined;
      if (sound || require.length === 0) continue;
      try {
        demand(places.receipt(places.placementOf(host), host), require, 'the place found');
      } catch (error) {
        for (const place of found) this.#takeBack(place);
        throw error;
      }
    }
    return hand(found);
  }

  /** Damage beside a place that nobody got is published; what was demanded in vain goes before it. */
  #takeBack({ host, index }: Place): void {
    try {
      this.#places.release(host, index);
    } catch {}
  }

  /** More places at once than there may be in all are refused before anybody makes room for them. */
  #assertSetLength({ length }: readonly number[]): void {
    if (length <= this.#secretsMax) return;
    throw setTooLong(length, this.#secretsMax, this.#places.primary.backend.name);
  }

  /** Places for a request that has just arrived, or the error that says why not. */
  #findForNewcomer(byteLengths: readonly number[]): readonly Place[] | SecureMemoryError {
    const { primary, admission } = this.#places;
    const refused = (found?: Shortage): SecureMemoryError =>
      refusal(this.#places, primary, found, byteLengths, 'allocateSync');
    const reach = admission.reachOfNewcomer();
    if (reach === undefined) return this.impossible(byteLengths) ?? refused();
    const found = this.find(byteLengths, reach === 'map' ? 'ask' : reach);
    if (isShortage(found)) return refused(found);
    admission.noteOvertaking();
    return found;
  }

  /** What `hand` makes of the places there are now, or the error that says why there are none. */
  #tryNow<T>(
    byteLengths: readonly number[],
    hand: Hand<T>,
  ): { readonly handed: T } | { readonly error: SecureMemoryError } {
    try {
      this.#assertSetLength(byteLengths);
      const found = this.#findForNewcomer(byteLengths);
      return found instanceof Error ? { error: found } : { handed: this.#handOut(found, hand) };
    } catch (error) {
      if (!isSecureMemoryError(error)) throw error;
      return { error };
    }
  }

  #tryPlace(byteLengths: readonly number[], reach: Reach): Place[] | Shortage {
    const { primary } = this.#places;
    const kept = reach === 'slots' ? (primary.reservation?.count ?? 0) : 0;
    if (kept > 0 && this.#tooMany(byteLengths, primary, kept) !== undefined) {
      return primary.shortage('budget', primary.leastByteLength(byteLengths));
    }
    return this.#tooMany(byteLengths, primary) ?? primary.place(byteLengths, reach);
  }

  /** The shortage of a request with which there would be more secrets than may be, wherever they lie, `kept` for others. */
  #tooMany(byteLengths: readonly number[], placement: Placement, kept = 0): Shortage | undefined {
    const count = this.#places.live + byteLengths.length + kept;
    if (count <= this.#secretsMax) return undefined;
    return placement.shortage('secrets', placement.leastByteLength(byteLengths));
  }

  #fallBack<T>(error: SecureMemoryError, byteLengths: readonly number[], hand: Hand<T>): T {
    const { fallback, telemetry } = this.#places;
    if (fallback === undefined) {
      throw new TypeError("onCapacity 'fallback' needs a backend to fall back to: set `fallback`");
    }
    const found = this.#tooMany(byteLengths, fallback) ?? fallback.place(byteLengths, 'map');
    if (isShortage(found)) {
      const refused = refusal(this.#places, fallback, found, byteLengths, 'fallback');
      throw Object.defineProperty(refused, 'cause', { value: error, configurable: true });
    }
    const first = !this.#fallingBack;
    const handed = this.#handOut(found, hand);
    this.#fallingBack = true;
    this.fallbacks += found.length;
    if (first) {
      const requestedByteLength = byteLengths.reduce((sum, n) => sum + n, 0);
      telemetry.emit('fallback', { requestedByteLength, error });
    }
    return handed;
  }
}
