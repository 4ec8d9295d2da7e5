const SAMPLES_MAX = 1_024;
const WINDOW_MS = 5_000;

/** Percentiles of the last 1,024 durations, in milliseconds, and the rate of the last 5 seconds, per second. */
export interface LatencySummary {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly perSecond: number;
}

/** Durations of signing requests. Bounded: the newest replace the oldest. */
export class Latencies {
  readonly #durations = new Float64Array(SAMPLES_MAX);
  /** Ends per second, kept apart, since 1,024 samples may be less than the window. */
  readonly #perSecond = new Map<number, number>();
  #count = 0;

  add(durationMs: number, now = performance.now()): void {
    const at = this.#count++ % SAMPLES_MAX;
    this.#durations[at] = durationMs;
    const second = Math.floor(now / 1_000);
    this.#perSecond.set(second, (this.#perSecond.get(second) ?? 0) + 1);
    for (const old of this.#perSecond.keys()) {
      if (old < second - WINDOW_MS / 1_000) this.#perSecond.delete(old);
    }
  }

  summary(now = performance.now()): LatencySummary {
    const length = Math.min(this.#count, SAMPLES_MAX);
    const sorted = this.#durations.slice(0, length).sort();
    const at = (share: number): number =>
      length === 0 ? 0 : rounded(sorted[Math.min(length - 1, Math.floor(share * length))] ?? 0);
    let recent = 0;
    for (const [second, count] of this.#perSecond) {
      if (second > now / 1_000 - WINDOW_MS / 1_000) recent += count;
    }
    return {
      p50Ms: at(0.5),
      p95Ms: at(0.95),
      p99Ms: at(0.99),
      perSecond: rounded(recent / (WINDOW_MS / 1_000)),
    };
  }
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
