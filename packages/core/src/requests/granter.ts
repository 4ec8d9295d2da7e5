import { isSecureMemoryError, SecureMemoryError } from '../contract/errors.js';
import type { Engine } from '../engine.js';
import type { Ownership } from '../lifetime/ownership.js';
import { respondTo } from '../limits/capacity-policy.js';
import { isHopeless, isShortage, type Shortage } from '../limits/shortage.js';
import { queueError, setTooLong, shortageError } from '../limits/shortage-error.js';
import type { OnCapacity } from '../options.js';
import type { Place } from '../placement/place-host.js';
import type { Placement, Reach } from '../placement/placement.js';
import type { SlabPool } from '../placement/slab-pool.js';
import { Admission } from '../places/admission.js';
import { demand } from '../places/receipt.js';
import { abortWith } from '../places/shutdown.js';
import { internals, type Secret } from '../secret/secret.js';
import { tracedClaim } from './traced-claim.js';
import { WaitingClaim } from './waiting-claim.js';

/** What a caller says about one request. */
export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onCapacity?: OnCapacity | undefined;
  readonly waitMsMax?: number | undefined;
}

/**
 * Turns requests into secrets: places them, lets them wait in turn, falls back, aborts or refuses, by policy. Arguments are
 * taken as checked.
 */
export class Granter {
  readonly admission: Admission;
  /** Secrets placed on the fallback, ever. */
  fallbacks = 0;
  readonly #engine: Engine;
  readonly #pool: SlabPool;
  readonly #secretsMax: number;
  #fallingBack = false;
  /** The kernel refused a waiter although our own account had room: mapping waits for something to change. */
  kernelRefusedAtUnmapCount = -1;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#pool = engine.primary.pool;
    this.#secretsMax = engine.options.secretsMax;
    this.admission = new Admission(engine.options.queueLengthMax, () => {
      this.kernelRefusedAtUnmapCount = -1;
      engine.primary.budget.forget();
      engine.quarantine.sweep();
    });
  }

  /** One secret at once, or an error. The steady state is a slot of a slab that is there: no system call, no queue. */
  allocateSync(byteLength: number, owner: Ownership, onCapacity?: OnCapacity): Secret {
    return this.takeFree(byteLength, owner) ?? this.#allocateOne(byteLength, owner, onCapacity);
  }

  /**
   * One secret in a slot that is free, when nobody waits; undefined when it takes more than that, or is refused.
   *
   * What runs from the user's call to the handle and back is kept so short that the compiler makes one function of it; when
   * it makes several, allocating and disposing 32 bytes takes up to half as long again.
   */
  takeFree(byteLength: number, owner: Ownership): Secret | undefined {
    const engine = this.#engine;
    const pool = this.#pool;
    if (owner.ended || !engine.isOpen || this.admission.waiting > 0) return undefined;
    if (engine.liveSecrets >= this.#secretsMax) return undefined;
    const slab = pool.slabFor(byteLength);
    if (slab === undefined || slab.region.openBecause !== undefined) return undefined;
    engine.liveSecrets++;
    this.#fallingBack = false;
    return internals.create(owner, slab, pool.takeFrom(slab, byteLength));
  }

  /** All at once, or an error and nothing taken. */
  allocateAllSync(
    byteLengths: readonly number[],
    owner: Ownership,
    onCapacity: OnCapacity = this.#engine.options.onCapacity,
  ): Secret[] {
    this.#assertAllocatable(owner);
    let error: SecureMemoryError;
    try {
      this.#assertSetLength(byteLengths);
      const granted = this.#grantNewcomer(byteLengths, owner);
      if (Array.isArray(granted)) return granted;
      error = granted;
    } catch (thrown) {
      if (!isSecureMemoryError(thrown)) throw thrown;
      error = thrown;
    }
    const response = respondTo(error, onCapacity);
    if (response === 'abort') return abortWith(error, () => this.#engine.purge('abort'));
    if (response === 'fallback') return this.#fallBack(error, byteLengths, owner);
    throw error;
  }

  /** All, when there is room for all; in turn. */
  allocateAll(
    byteLengths: readonly number[],
    owner: Ownership,
    request: RequestOptions,
  ): Promise<Secret[]> {
    const onCapacity = request.onCapacity ?? this.#engine.options.onCapacity;
    return new Promise((resolve, reject) => {
      request.signal?.throwIfAborted();
      this.#assertAllocatable(owner);
      if (onCapacity !== 'wait') {
        resolve(this.allocateAllSync(byteLengths, owner, onCapacity));
        return;
      }
      this.#assertSetLength(byteLengths);
      const claim = new WaitingClaim(this.#engine, byteLengths, owner, resolve, reject);
      const { budget } = this.#engine.primary;
      if (this.admission.waiting === 0) budget.forget();
      if (this.admission.serveNewcomer(claim)) return;
      if (claim.impossible() !== undefined) {
        budget.forget();
        const impossible = claim.impossible();
        if (impossible !== undefined) throw impossible;
      }
      const traced = tracedClaim(claim, this.#engine.telemetry, byteLengths);
      try {
        this.admission.enqueue(traced, {
          waitMsMax: request.waitMsMax ?? this.#engine.options.waitMsMax,
          signal: request.signal,
          owner,
        });
      } catch (error) {
        traced.reject(error);
      }
    });
  }

  #allocateOne(byteLength: number, owner: Ownership, onCapacity?: OnCapacity): Secret {
    return this.allocateAllSync([byteLength], owner, onCapacity)[0] as Secret;
  }

  #assertAllocatable(owner: Ownership): void {
    this.#engine.assertOpen('allocate');
    if (owner.ended) {
      throw new SecureMemoryError('ERR_SECMEM_CLOSED', 'the phase has ended', {
        operation: 'allocate',
      });
    }
  }

  /** More secrets at once than there may be in all are refused before anybody makes room for them. */
  #assertSetLength({ length }: readonly number[]): void {
    if (length <= this.#secretsMax) return;
    throw setTooLong(length, this.#secretsMax, this.#engine.primary.backend.name);
  }

  /** Secrets for a request that has just arrived, or the error that says why not. */
  #grantNewcomer(byteLengths: readonly number[], owner: Ownership): Secret[] | SecureMemoryError {
    const { primary } = this.#engine;
    const reach = this.admission.reachOfNewcomer();
    if (reach === undefined) {
      const never = this.impossible(byteLengths);
      return never ?? this.refusal(undefined, byteLengths, 'allocateSync', primary);
    }
    const found = this.place(byteLengths, reach === 'map' ? 'ask' : reach);
    if (isShortage(found)) return this.refusal(found, byteLengths, 'allocateSync', primary);
    this.admission.noteOvertaking();
    return this.handOut(found, owner);
  }

  /** Places for all, or a shortage with nothing taken; `missing` says at little cost that there is one. */
  place(
    byteLengths: readonly number[],
    reach: Reach,
    missing?: () => Shortage | undefined,
  ): Place[] | Shortage {
    const found = this.#engine.orGiveUp(() => missing?.() ?? this.#tryPlace(byteLengths, reach));
    if (!isShortage(found) || !this.#engine.quarantine.sweep() || isHopeless(found)) return found;
    return this.#tryPlace(byteLengths, reach);
  }

  #tryPlace(byteLengths: readonly number[], reach: Reach): Place[] | Shortage {
    const { primary } = this.#engine;
    return this.#tooMany(byteLengths, primary) ?? primary.place(byteLengths, reach);
  }

  /** The shortage of a request with which there would be more secrets than may be, wherever they lie. */
  #tooMany(byteLengths: readonly number[], placement: Placement): Shortage | undefined {
    const count = this.#engine.liveSecrets + byteLengths.length;
    if (count <= this.#secretsMax) return undefined;
    return placement.shortage('secrets', placement.leastByteLength(byteLengths));
  }

  handOut(places: readonly Place[], owner: Ownership): Secret[] {
    const secrets = places.map(({ host, index }) => internals.create(owner, host, index));
    this.#engine.liveSecrets += places.length;
    this.#fallingBack = false;
    for (const { host } of places) {
      if (host.region.openBecause === undefined || this.#engine.options.require.length === 0)
        continue;
      try {
        demand(this.#engine.receipt(host), this.#engine.options.require, 'the place found');
      } catch (error) {
        for (const secret of secrets) secret.dispose();
        throw error;
      }
    }
    return secrets;
  }

  /** The error for what can never fit under the limit in force now, whatever is released. */
  impossible(byteLengths: readonly number[]): SecureMemoryError | undefined {
    const { primary } = this.#engine;
    const limit = primary.budget.limit();
    const least = primary.leastByteLength(byteLengths);
    if (least <= limit.byteLength) return undefined;
    const found = this.place(byteLengths, 'ask');
    if (isShortage(found)) return this.refusal(found, byteLengths, 'allocate', primary);
    // There are slots of before the limit was lowered. They are for whoever comes first in the queue.
    for (const { host, index } of found) host.release(index);
    return undefined;
  }

  /** The error for a shortage; undefined means that nobody may be overtaken. */
  refusal(
    found: Shortage | readonly Place[] | undefined,
    byteLengths: readonly number[],
    operation: string,
    placement: Placement,
  ): SecureMemoryError {
    const { waiting } = this.admission;
    const { backend, budget } = placement;
    const least = placement.leastByteLength(byteLengths);
    if (!isShortage(found)) return queueError(waiting, least, backend.name);
    const inTurn = waiting > 0 && found.by === 'budget' && placement === this.#engine.primary;
    const limit = budget.limit();
    const zero = limit.byteLength === 0 && (inTurn || found.error !== undefined);
    const never = found.by !== 'secrets' && least > limit.byteLength && !zero;
    if (inTurn && !never) return queueError(waiting, least, backend.name);
    const shortage: Shortage = never
      ? { ...found, by: 'never', requestedByteLength: least, limit }
      : found;
    return shortageError(shortage, backend.name, operation, placement.fragmentation());
  }

  #fallBack(error: SecureMemoryError, byteLengths: readonly number[], owner: Ownership): Secret[] {
    const { fallback } = this.#engine;
    if (fallback === undefined) {
      throw new TypeError("onCapacity 'fallback' needs a backend to fall back to: set `fallback`");
    }
    const found = this.#tooMany(byteLengths, fallback) ?? fallback.place(byteLengths, 'map');
    if (isShortage(found)) {
      const refused = this.refusal(found, byteLengths, 'fallback', fallback);
      throw Object.defineProperty(refused, 'cause', { value: error, configurable: true });
    }
    const first = !this.#fallingBack;
    const secrets = this.handOut(found, owner);
    this.#fallingBack = true;
    this.fallbacks += secrets.length;
    if (first) {
      const requestedByteLength = byteLengths.reduce((sum, n) => sum + n, 0);
      this.#engine.telemetry.emit('fallback', { requestedByteLength, error });
    }
    return secrets;
  }
}
