import { performance } from 'node:perf_hooks';
import { reasonOf } from '../common/abort-signal.js';
import { onAbort } from '../common/on-abort.js';
import { inSlices } from '../common/slice.js';
import { SecureMemoryError } from '../contract/errors.js';
import type { Reach } from '../placement/region-source.js';
import type { Outbox } from '../telemetry/outbox.js';
import type { Claim, Waiter, WaitOptions } from './claim.js';
import { retryMs } from './retry.js';

/**
 * Requests that overtake a waiting one at most. They may only take slots that are there already, which the first in the
 * queue cannot use, or it would have been served. Small enough that a large request waits for a bounded number of
 * releases, large enough that one of them does not stop every small one at once.
 */
export const OVERTAKES_MAX = 16;

/** How far behind the first waiter the queue is searched for one that fits. */
const SEARCH_MAX = 16;

/**
 * First come, first served. A request that finds no place waits in a queue of bounded length, for a bounded time, and can
 * be aborted; whoever leaves the queue takes nothing with it. This is the only place in core where anything waits
 * for a place.
 */
export class Admission {
  readonly queueLengthMax: number;
  /** Requests in the queue now. */
  waiting = 0;
  queueLengthPeak = 0;
  /** Requests that had to wait, ever. */
  waits = 0;
  timeouts = 0;
  aborts = 0;
  refusals = 0;

  #first: Waiter | undefined;
  #last: Waiter | undefined;
  /** Those of each owner, in their order: the end of a phase looks at nobody else's. */
  readonly #byOwner = new Map<object, Set<Waiter>>();
  #retryTimer: NodeJS.Timeout | undefined;
  #pumping = false;
  /** Whoever is being served just now. */
  #served: Waiter | undefined;
  /** Somebody asked for a pass while one was going on: what it has looked at may be free now. */
  #again = false;
  /** The need that was refused last in this pass, since the last that was granted; mostly all who wait need the same. */
  #lastRefused: string | undefined;
  readonly #outbox: Outbox;
  readonly #onRetry: () => void;
  readonly #overtakesMax: number;
  readonly #isContended: () => boolean;

  /**
   * `outbox` is held while the queue changes. `onRetry` is called before each of the random retries, so that what others
   * released is looked for again.
   * `overtakesMax` is for tests, which show what happens without the bound. `isContended` says that others want pages.
   */
  constructor(
    queueLengthMax: number,
    outbox: Outbox,
    onRetry: () => void,
    overtakesMax = OVERTAKES_MAX,
    isContended = () => false,
  ) {
    this.#isContended = isContended;
    this.queueLengthMax = queueLengthMax;
    this.#outbox = outbox;
    this.#onRetry = onRetry;
    this.#overtakesMax = overtakesMax;
  }

  /**
   * How far a request may go that has just arrived and will not wait, or not yet: anywhere when nobody waits; into slots
   * that are there already while the first waiter was not overtaken too often; after that only where the first waiter cannot.
   */
  reachOfNewcomer(): Reach | undefined {
    if (this.#first === undefined) return 'map';
    if (this.#first.overtaken < this.#overtakesMax) return 'warm';
    return this.#first.keeps ? 'slots' : undefined;
  }

  /** Serves a newcomer if the rule lets it; true when it was served. Throws what the claim throws. */
  serveNewcomer(claim: Claim): boolean {
    const reach = this.reachOfNewcomer();
    if (reach === undefined || !claim.tryGrant(reach)) return false;
    this.noteOvertaking();
    return true;
  }

  /** A newcomer was served: whoever was first and waits was overtaken once more. */
  noteOvertaking(): void {
    const first = this.#first;
    if (first === undefined || first.overtaken >= this.#overtakesMax) return;
    if (++first.overtaken < this.#overtakesMax || first.claim.keep === undefined) return;
    first.keeps = true;
    first.claim.keep();
  }

  /**
   * Queues a claim. Precondition: `serveNewcomer` said false. The claim ends by grant, timeout, abort with
   * `signal.reason`, or cancellation. Throws `ERR_SECMEM_QUEUE_FULL` at once when the queue is full.
   */
  enqueue(claim: Claim, options: WaitOptions): void {
    if (this.waiting >= this.queueLengthMax) {
      this.refusals++;
      throw new SecureMemoryError(
        'ERR_SECMEM_QUEUE_FULL',
        `${this.waiting} requests wait for a place already, which is the maximum; slow down or raise admission.queueLengthMax`,
        { operation: 'allocate', details: { limit: 'queue', waiting: this.waiting } },
      );
    }
    const { signal, waitMsMax, owner } = options;
    const last = this.#last;
    const waiter: Waiter = {
      claim,
      need: claim.need === last?.need ? last?.need : claim.need,
      owner,
      since: performance.now(),
      signal,
      linked: true,
      withdraw: undefined,
      timer: undefined,
      previous: last,
      next: undefined,
      overtaken: 0,
      keeps: false,
    };
    // The timer is referenced: a process that only waits must not end in silence.
    waiter.timer = setTimeout(this.#onTimeout, waitMsMax, waiter);
    if (signal !== undefined) this.#leaveOnAbort(waiter, signal);
    if (this.#last === undefined) this.#first = waiter;
    else this.#last.next = waiter;
    this.#last = waiter;
    const others = this.#byOwner.get(owner);
    if (others === undefined) this.#byOwner.set(owner, new Set([waiter]));
    else others.add(waiter);
    this.waiting++;
    this.waits++;
    this.queueLengthPeak = Math.max(this.queueLengthPeak, this.waiting);
    this.#retryLater();
  }

  /** One function for every timer. */
  readonly #onTimeout = (waiter: Waiter): void => {
    this.timeouts++;
    this.#leave(waiter, waiter.claim.timedOut(Math.round(performance.now() - waiter.since)));
  };

  #leaveOnAbort(waiter: Waiter, signal: AbortSignal): void {
    waiter.withdraw = onAbort(signal, () => {
      this.aborts++;
      this.#leave(waiter, reasonOf(signal));
    });
  }

  /** Serves whoever can be served now. Called after every release. */
  pump(): void {
    this.#again = true;
    if (this.#pumping || this.#first === undefined) return;
    this.#pumping = true;
    this.#outbox.hold();
    try {
      while (this.#again) {
        this.#again = false;
        this.#lastRefused = undefined;
        while (this.#first !== undefined && this.#serve(this.#first, 'map'));
        if (this.#first !== undefined) this.#searchBehind(this.#first);
      }
    } finally {
      this.#pumping = false;
      this.#outbox.letGo();
    }
  }

  /**
   * Ends the wait of every waiter of an owner, or of all: none of them is granted anything from now on. They are told in as many turns
   * as it takes; undefined where this one was enough.
   */
  cancel(reason: unknown, owner?: object): Promise<void> | undefined {
    const leaving = owner === undefined ? [...this.#all()] : [...(this.#byOwner.get(owner) ?? [])];
    if (leaving.length === 0) return undefined;
    return this.#outbox.during(() => {
      for (const waiter of leaving) this.#remove(waiter);
      // A backend may call back while it maps for one of them: that one must know before it is granted.
      const served = this.#served?.linked === false ? this.#served : undefined;
      served?.claim.reject(reason);
      const rest = inSlices(
        leaving,
        (waiter) => waiter !== served && waiter.claim.reject(reason),
        (slice) => this.#outbox.during(slice),
      );
      this.pump();
      return rest;
    });
  }

  *#all(): Generator<Waiter> {
    for (let waiter = this.#first; waiter !== undefined; waiter = waiter.next) yield waiter;
  }

  /** Lets later waiters take slots that the first one cannot use, a bounded number of times. */
  #searchBehind(first: Waiter): void {
    let waiter = first.next;
    for (let i = 0; i < SEARCH_MAX && waiter !== undefined; i++) {
      const reach = this.reachOfNewcomer();
      if (reach === undefined || this.#first !== first) return;
      const { next } = waiter;
      this.#serve(waiter, reach);
      waiter = next;
    }
  }

  /** True when the waiter is done with, by a grant or an error. */
  #serve(waiter: Waiter, reach: Reach): boolean {
    const { need, signal } = waiter;
    if (!waiter.linked) return true;
    // Its turn to leave has not come: the signal tells one after another, and each that leaves makes room.
    if (signal?.aborted) {
      this.aborts++;
      this.#unlink(waiter, reasonOf(signal));
      return true;
    }
    if (need !== undefined && need === this.#lastRefused) return false;
    this.#served = waiter;
    try {
      if (waiter.claim.tryGrant(reach)) {
        this.#lastRefused = undefined;
        this.#remove(waiter);
        if (reach !== 'map') this.noteOvertaking();
        return true;
      }
      if (!waiter.linked) return true;
      const impossible = reach !== 'map' ? undefined : waiter.claim.impossible();
      if (impossible === undefined) {
        this.#lastRefused = need;
        return false;
      }
      this.refusals++;
      this.#unlink(waiter, impossible);
    } catch (error) {
      this.#unlink(waiter, error);
    } finally {
      this.#served = undefined;
    }
    return true;
  }

  #leave(waiter: Waiter, reason: unknown): void {
    this.#outbox.during(() => {
      this.#unlink(waiter, reason);
      this.pump();
    });
  }

  #unlink(waiter: Waiter, reason: unknown): void {
    if (!waiter.linked) return;
    this.#remove(waiter);
    waiter.claim.reject(reason);
  }

  #remove(waiter: Waiter): void {
    if (!waiter.linked) return;
    waiter.linked = false;
    if (waiter.keeps) waiter.claim.letGo?.();
    clearTimeout(waiter.timer);
    waiter.withdraw?.();
    const { owner } = waiter;
    const own = this.#byOwner.get(owner);
    own?.delete(waiter);
    if (own?.size === 0) this.#byOwner.delete(owner);
    if (waiter.previous === undefined) this.#first = waiter.next;
    else waiter.previous.next = waiter.next;
    if (waiter.next === undefined) this.#last = waiter.previous;
    else waiter.next.previous = waiter.previous;
    this.waiting--;
    if (this.waiting > 0 || this.#retryTimer === undefined) return;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
  }

  #retryLater(): void {
    if (this.#retryTimer !== undefined || this.#first === undefined) return;
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = undefined;
      this.#outbox.during(() => {
        this.#onRetry();
        this.pump();
        this.#retryLater();
      });
    }, retryMs(this.#isContended()));
    // Each waiter's own timer keeps the process alive; this one need not.
    this.#retryTimer.unref();
  }
}
