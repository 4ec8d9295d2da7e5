/** Settles as `fn` does, or rejects with the reason of the signal, whichever is first. `fn` is not called when it is late. */
export function orAborted<T>(fn: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return fn();
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    fn()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort));
  });
}
