/** Exponential waiting between restarts. Times in milliseconds. */
export interface Backoff {
  /** The longest wait before the first restart; at least 1. Default 2,000. */
  readonly baseMs: number;
  /** What each further restart within the window multiplies it by; 1 to 10. Default 2. */
  readonly factor: number;
  /** The longest wait of all; at least `baseMs`. Default 60,000. */
  readonly capMs: number;
}

export const DEFAULT_BACKOFF: Backoff = Object.freeze({ baseMs: 2_000, factor: 2, capMs: 60_000 });

/**
 * The wait before restart number `attempt` (0 for the first): half of the exponential step and a random part of the
 * other half. The fixed half keeps a crash from ever being answered at once, which would make a fast oracle of a restart;
 * the random half keeps many supervisors from restarting in step.
 *
 * `random` is in [0, 1). The result is a whole number of milliseconds, at least 1.
 */
export function backoffMs(backoff: Backoff, attempt: number, random: number): number {
  const step = Math.min(backoff.capMs, backoff.baseMs * backoff.factor ** attempt);
  return Math.max(1, Math.ceil(step / 2 + random * (step / 2)));
}
