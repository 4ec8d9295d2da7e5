/**
 * Watches for the earliest of many deadlines, which are all equally far away when they begin. While a timer runs nothing
 * is done at all: only when it fires is the earliest deadline looked up, and the timer set anew. So a call costs no timer.
 */
export class Deadline {
  readonly #earliestMs: () => number;
  readonly #onMissed: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** `earliestMs` gives a time of `performance.now()`, or Infinity when there is nothing to watch for. */
  constructor(earliestMs: () => number, onMissed: () => void) {
    this.#earliestMs = earliestMs;
    this.#onMissed = onMissed;
  }

  /** Something new is to be watched for. */
  watch(): void {
    if (this.#timer === undefined) this.#arm();
  }

  /** Stops watching until the next `watch`. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer = undefined;
    const earliestMs = this.#earliestMs();
    if (earliestMs === Number.POSITIVE_INFINITY) return;
    const waitMs = Math.max(1, Math.ceil(earliestMs - performance.now()));
    this.#timer = setTimeout(() => {
      if (performance.now() < this.#earliestMs()) this.#arm();
      else this.#onMissed();
    }, waitMs);
    // The keeper's process and its pipes keep the host alive while anything can still happen.
    this.#timer.unref();
  }
}
