/**
 * By its shape, since a signal of another realm (of jsdom, a sandbox, another copy of a library) is as good as one of ours.
 */
export function isAbortSignal(value: unknown): value is AbortSignal {
  const signal = value as Partial<AbortSignal> | null | undefined;
  return (
    typeof signal?.aborted === 'boolean' &&
    typeof signal.addEventListener === 'function' &&
    typeof signal.removeEventListener === 'function'
  );
}

/** Throws `TypeError` for what is given and no signal. */
export function requireSignal(signal: unknown): void {
  if (signal === undefined || isAbortSignal(signal)) return;
  throw new TypeError('signal must be an AbortSignal');
}

/** What whoever waited rejects with. A signal of an older DOM has no reason. */
export function reasonOf(signal: AbortSignal): unknown {
  if ('reason' in signal) return signal.reason;
  return new DOMException('This operation was aborted', 'AbortError');
}

/** The method of this name is younger than some signals. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw reasonOf(signal);
}
