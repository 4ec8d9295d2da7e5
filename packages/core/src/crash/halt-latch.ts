/**
 * The one thing in a crash policy that changes: whether a halt has happened. It belongs to the policy object, so that
 * everything that shares the object stops together, and for the same first cause.
 */
export class HaltLatch {
  #cause: Error | undefined;
  readonly #listeners = new Set<(cause: Error) => void>();

  /** The first cause, or undefined while nothing has halted. There is no way back. */
  get cause(): Error | undefined {
    return this.#cause;
  }

  /** Halts. The first cause stays; true when this call was the first. Listeners run before it returns. */
  trip(cause: Error): boolean {
    if (this.#cause !== undefined) return false;
    this.#cause = cause;
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener(cause);
    return true;
  }

  /** Calls `listener` once, at the halt; returns how to stop listening. Nothing is called for a halt in the past. */
  onTrip(listener: (cause: Error) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
