import type { HeardClock } from './heard-clock.js';

/**
 * Ticks at which a deadline must be found missed before it counts. The loop reads the channel between two of them, so an
 * answer that was in the pipe all the while is heard, and a long one gets some turns to come in.
 */
const LOOKS = 4;

/**
 * Watches for the earliest of many deadlines of the other end, by the clock that counts only what the host could hear.
 * Before the earliest has come nothing is looked up at all, so a call costs no timer.
 */
export class Deadline {
  readonly #clock: HeardClock;
  readonly #earliestMs: () => number;
  readonly #onMissed: () => void;
  #nextMs = Number.POSITIVE_INFINITY;
  #missedMs = Number.NaN;
  #looks = 0;

  /** `earliestMs` gives a time of the clock, or Infinity when there is nothing to watch for. */
  constructor(clock: HeardClock, earliestMs: () => number, onMissed: () => void) {
    this.#clock = clock;
    this.#earliestMs = earliestMs;
    this.#onMissed = onMissed;
  }

  /** Something new is to be watched for: a time of the clock. */
  watch(atMs: number): void {
    if (atMs < this.#nextMs) this.#nextMs = atMs;
    this.#clock.add(this);
  }

  /** Stops watching until the next `watch`. */
  stop(): void {
    this.#nextMs = Number.POSITIVE_INFINITY;
    this.#clock.remove(this);
  }

  /** At a tick of the clock. */
  look(nowMs: number): void {
    if (nowMs < this.#nextMs) return;
    const earliestMs = this.#earliestMs();
    this.#nextMs = earliestMs;
    if (earliestMs === Number.POSITIVE_INFINITY) this.stop();
    if (nowMs < earliestMs || this.#stillToLook(earliestMs)) return;
    this.stop();
    this.#looks = 0;
    this.#onMissed();
  }

  #stillToLook(missedMs: number): boolean {
    this.#looks = missedMs === this.#missedMs ? this.#looks + 1 : 1;
    this.#missedMs = missedMs;
    return this.#looks < LOOKS;
  }
}

/** Runs `then` after so many milliseconds in which the host could hear. Returns how to stop that. */
export function afterHeard(clock: HeardClock, ms: number, then: () => void): () => void {
  const atMs = clock.nowMs + ms;
  const deadline = new Deadline(clock, () => atMs, then);
  deadline.watch(atMs);
  return () => deadline.stop();
}
