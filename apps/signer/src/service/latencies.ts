const SAMPLES_MAX = 4_096;
const WINDOW_MS = 60_000;
const RATE_WINDOW_MS = 5_000;

/** Percentiles of the last minute, in milliseconds, and the rate of the last 5 seconds, per second. */
export interface LatencySummary {
  /** What the percentiles are of; without any they are 0 and say nothing. */
  readonly samples: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly perSecond: number;
}

/** Durations of signing requests. Bounded twice: the newest replace the oldest, and what is older than a minute is gone. */
export class Latencies {
  readonly #durations = new Float64Array(SAMPLES_MAX);
  readonly #endedAt = new Float64Array(SAMPLES_MAX).fill(Number.NEGATIVE_INFINITY);
  /** Ends per second, kept apart, since the samples may be fewer than the window has. */
  readonly #perSecond = new Map<number, number>();
  #count = 0;

  add(durationMs: number, now = performance.now()): void {
    const at = this.#count++ % SAMPLES_MAX;
    this.#durations[at] = durationMs;
    this.#endedAt[at] = now;
    const second = Math.floor(now / 1_000);
    this.#perSecond.set(second, (this.#perSecond.get(second) ?? 0) + 1);
    for (const old of this.#perSecond.keys()) {
      if (old < second - RATE_WINDOW_MS / 1_000) this.#perSecond.delete(old);
    }
  }

  summary(now = performance.now()): LatencySummary {
    const sorted = this.#durations
      .filter((_, at) => (this.#endedAt[at] as number) > now - WINDOW_MS)
      .sort();
    const { length } = sorted;
    const at = (share: number): number =>
      length === 0 ? 0 : rounded(sorted[Math.min(length - 1, Math.floor(share * length))] ?? 0);
    let recent = 0;
    for (const [second, count] of this.#perSecond) {
      if (second > (now - RATE_WINDOW_MS) / 1_000) recent += count;
    }
    return {
      samples: length,
      p50Ms: at(0.5),
      p95Ms: at(0.95),
      p99Ms: at(0.99),
      perSecond: rounded(recent / (RATE_WINDOW_MS / 1_000)),
    };
  }
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
