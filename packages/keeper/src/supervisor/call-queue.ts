import type { Call } from './call.js';
import { Deadline } from './deadline.js';
import { waitTimeout } from './refusals.js';

/**
 * Calls that wait in the host, first in, first out: the channel is full, or the keeper is being started again. Each waits
 * no longer than a call may take. Its owner bounds the length.
 */
export class CallQueue {
  readonly #callMsMax: number;
  readonly #deadline: Deadline;
  #entries: Call[] = [];
  #head = 0;
  #length = 0;

  constructor(callMsMax: number) {
    this.#callMsMax = callMsMax;
    this.#deadline = new Deadline(
      () => (this.#peek()?.startedAtMs ?? Number.POSITIVE_INFINITY) + callMsMax,
      () => this.#expire(),
    );
  }

  /** Calls that still wait for somebody. */
  get length(): number {
    return this.#length;
  }

  push(call: Call): void {
    this.#compact();
    this.#entries.push(call);
    this.#length++;
    this.#deadline.watch();
  }

  /** Puts calls that were here before back in front, in their order. */
  unshift(calls: readonly Call[]): void {
    this.#entries = [...calls, ...this.#entries.slice(this.#head)];
    this.#head = 0;
    this.#length += calls.length;
    // A timer that runs is for a younger call: these come to their end before it fires.
    this.#deadline.stop();
    this.#deadline.watch();
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

  #expire(): void {
    const nowMs = performance.now();
    for (let call = this.#peek(); call !== undefined; call = this.#peek()) {
      const waitedMs = Math.round(nowMs - call.startedAtMs);
      if (waitedMs < this.#callMsMax) break;
      this.shift();
      call.wipePayload();
      call.reject(waitTimeout(call.operation, waitedMs));
    }
    this.#deadline.stop();
    if (this.#length > 0) this.#deadline.watch();
  }
}
