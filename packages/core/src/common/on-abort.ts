/**
 * One listener for each signal, however many wait for it. A server has one signal for its shutdown and thousands of waiters:
 * a listener each would be looked through at every `addEventListener`, and Node warns of a leak at the eleventh.
 */
const waitersOf = new WeakMap<AbortSignal, Waiters>();

/** Those who wait for one signal. */
class Waiters {
  readonly #signal: AbortSignal;
  readonly #callbacks = new Set<() => void>();
  readonly #fire = (): void => {
    waitersOf.delete(this.#signal);
    for (const callback of this.#callbacks) callback();
  };

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    // No options: an object of ours would be read through its prototype.
    signal.addEventListener('abort', this.#fire);
    waitersOf.set(signal, this);
  }

  add(callback: () => void): void {
    this.#callbacks.add(callback);
  }

  remove(callback: () => void): void {
    this.#callbacks.delete(callback);
    if (this.#callbacks.size > 0) return;
    this.#signal.removeEventListener('abort', this.#fire);
    if (waitersOf.get(this.#signal) === this) waitersOf.delete(this.#signal);
  }
}

/**
 * Calls `callback` once when the signal aborts, in the order of these calls, and returns what withdraws it. A signal that is
 * aborted already calls nobody. `callback` must not throw: others wait behind it.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const waiters = waitersOf.get(signal) ?? new Waiters(signal);
  waiters.add(callback);
  return () => waiters.remove(callback);
}
