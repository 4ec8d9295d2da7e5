/** How often it is looked whether the host is there at all, in milliseconds, while something is waited for. */
const TICK_MS = 25;

/** What one tick counts at most, however late it comes. */
const COUNTED_MS_MAX = 2 * TICK_MS;

/** What wants to look at every tick. */
interface Watcher {
  look(nowMs: number): void;
}

/**
 * The time in which the host could have heard an answer, in milliseconds. It is no clock on the wall: while the host is
 * stopped, blocked or asleep nobody reads the channel, and those hours are nobody's fault. So it goes forward by ticks of
 * the event loop, each of which counts what has passed since the last one but no more than two ticks' worth, and between
 * two ticks the loop has read what there was to read.
 *
 * It always goes forward: a host that is busy all the time hears slowly, but a deadline comes.
 */
export class HeardClock {
  readonly #watchers = new Set<Watcher>();
  #nowMs = 0;
  #lastTickMs = 0;
  #timer: NodeJS.Timeout | undefined;

  get nowMs(): number {
    return this.#nowMs;
  }

  add(watcher: Watcher): void {
    this.#watchers.add(watcher);
    if (this.#timer !== undefined) return;
    this.#lastTickMs = performance.now();
    this.#wait();
  }

  remove(watcher: Watcher): void {
    this.#watchers.delete(watcher);
  }

  #wait(): void {
    // The keeper's process and its pipes keep the host alive while anything can still happen.
    this.#timer = setTimeout(() => this.#tick(), TICK_MS).unref();
  }

  #tick(): void {
    const tickMs = performance.now();
    this.#nowMs += Math.min(COUNTED_MS_MAX, Math.max(0, tickMs - this.#lastTickMs));
    this.#lastTickMs = tickMs;
    this.#timer = undefined;
    for (const watcher of [...this.#watchers]) watcher.look(this.#nowMs);
    if (this.#watchers.size > 0 && this.#timer === undefined) this.#wait();
  }
}
