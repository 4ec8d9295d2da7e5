/**
 * Settles as `fn` does, or rejects with the reason of the signal, whichever is first. `fn` is not called when it is late.
 * What it brings after the abort, which nobody gets any more, goes to `discard`, which must not throw.
 */
export function orAborted<T>(
  fn: () => Promise<T>,
  signal: AbortSignal | undefined,
  discard?: (late: T) => void,
): Promise<T> {
  if (signal === undefined) return fn();
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    let aborted = false;
    const onAbort = (): void => {
      aborted = true;
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    fn()
      .then((value) => (aborted ? discard?.(value) : resolve(value)), reject)
      .finally(() => signal.removeEventListener('abort', onAbort));
  });
}
