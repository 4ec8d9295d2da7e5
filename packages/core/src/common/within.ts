import { performance } from 'node:perf_hooks';
import { reasonOf } from './abort-signal.js';
import { onAbort } from './on-abort.js';

/** What ends a wait before its time. */
export interface Bounds {
  /** In milliseconds. The timer keeps the process alive: one that only waits must not end in silence. */
  readonly waitMsMax?: number;
  /** The reason to reject with when the time is over. */
  readonly timedOut?: (waitedMs: number) => unknown;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Settles as `work` does, or rejects when the time is over or with the reason of the signal, whichever is first. `work` is not
 * called when it is late, and goes on when it takes too long. What it brings then goes to `discard`, which must not throw.
 */
export function within<T>(
  work: () => Promise<T>,
  bounds: Bounds,
  discard?: (late: T) => void,
): Promise<T> {
  // A bound that the caller leaves out must not be found on a prototype.
  const own: Bounds = Object.assign(Object.create(null), bounds);
  const { waitMsMax, timedOut, signal } = own;
  if (signal?.aborted) return Promise.reject(reasonOf(signal));
  return new Promise((resolve, reject) => {
    const since = performance.now();
    let waits = true;
    let timer: NodeJS.Timeout | undefined;
    let withdraw: (() => void) | undefined;
    const stop = (): void => {
      waits = false;
      clearTimeout(timer);
      withdraw?.();
    };
    const leave = (reason: unknown): void => {
      stop();
      reject(reason);
    };
    if (waitMsMax !== undefined) {
      const onTime = (): void => leave(timedOut?.(Math.round(performance.now() - since)));
      timer = setTimeout(onTime, waitMsMax);
    }
    if (signal !== undefined) withdraw = onAbort(signal, () => leave(reasonOf(signal)));
    work().then(
      (value) => {
        if (!waits) return discard?.(value);
        stop();
        resolve(value);
      },
      (error: unknown) => waits && leave(error),
    );
  });
}
