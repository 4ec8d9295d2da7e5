import type { Call } from './call.js';
import { Deadline } from './deadline.js';
import type { HeardClock } from './heard-clock.js';

/**
 * Calls that wait in the host, first in, first out: the channel is full, or the keeper is being started again. Each waits
 * no longer than a call may take. Its owner bounds the length.
 */
export class CallQueue {
  readonly #clock: HeardClock;
  readonly #onExpired: (call: Call, waitedMs: number) => void;
  readonly #deadline: Deadline;
  #entries: Call[] = [];
  #head = 0;
  #length = 0;

  /** `onExpired` settles a call that has waited too long, and is no longer here. */
  constructor(clock: HeardClock, onExpired: (call: Call, waitedMs: number) => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
    this.#deadline = new Deadline(
      clock,
      () => this.#earliestMs(),
      () => this.#expire(),
    );
  }

  /** Calls that still wait for somebody. */
  get length(): number {
    return this.#length;
  }

  /** The call that `shift` would give. */
  get first(): Call | undefined {
    return this.#peek();
  }

  push(call: Call): void {
    this.#compact();
    this.#entries.push(call);
    this.#length++;
    this.#beginToWait(call);
  }

  /** Puts calls that were here before back in front, in their order. */
  unshift(calls: readonly Call[]): void {
    this.#entries = [...calls, ...this.#entries.slice(this.#head)];
    this.#head = 0;
    this.#length += calls.length;
    for (const call of calls) this.#beginToWait(call);
  }

  shift(): Call | undefined {
    const call = this.#peek();
    if (call === undefined) return undefined;
    this.#head++;
    this.#length--;
    return call;
  }

  /** To be called after a waiting call was settled by somebody else. */
  dropped(): void {
    this.#length--;
  }

  /** Everything that waits, in order; the queue is empty afterwards. */
  takeAll(): Call[] {
    const calls = this.#entries.slice(this.#head).filter((call) => !call.settled);
    this.#entries = [];
    this.#head = 0;
    this.#length = 0;
    this.#deadline.stop();
    return calls;
  }

  /** The first call that is not settled. */
  #peek(): Call | undefined {
    while (this.#entries[this.#head]?.settled) this.#head++;
    return this.#entries[this.#head];
  }

  /** Keeps the array within about twice the number of waiting calls. */
  #compact(): void {
    if (this.#entries.length < 2 * this.#length + 64) return;
    this.#entries = this.#entries.slice(this.#head).filter((call) => !call.settled);
    this.#head = 0;
  }

  #beginToWait(call: Call): void {
    call.queuedAtMs = performance.now();
    call.deadlineMs = this.#clock.nowMs + call.callMsMax;
    this.#deadline.watch(call.deadlineMs);
  }

  /** Not the first one's: a call that comes back after a crash has waited less than those behind it. */
  #earliestMs(): number {
    let earliestMs = Number.POSITIVE_INFINITY;
    for (let index = this.#head; index < this.#entries.length; index++) {
      const call = this.#entries[index] as Call;
      if (!call.settled && call.deadlineMs < earliestMs) earliestMs = call.deadlineMs;
    }
    return earliestMs;
  }

  #expire(): void {
    const waiting = this.#entries.slice(this.#head).filter((call) => !call.settled);
    const late = waiting.filter((call) => call.deadlineMs <= this.#clock.nowMs);
    this.#entries = waiting.filter((call) => call.deadlineMs > this.#clock.nowMs);
    this.#head = 0;
    this.#length = this.#entries.length;
    const earliestMs = this.#earliestMs();
    if (earliestMs < Number.POSITIVE_INFINITY) this.#deadline.watch(earliestMs);
    for (const call of late) {
      this.#onExpired(call, Math.round(performance.now() - call.queuedAtMs));
    }
  }
}
