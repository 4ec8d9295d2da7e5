/**
 * Lets processes start one after the other, so that the members of a pool do not all ask for the same file, prompt or service at
 * once. A start has its turn until it is ready or has failed. Who starts alone has a gate of its own.
 */
export class StartGate {
  readonly #waiting: (() => void)[] = [];
  #current: (() => void) | undefined;

  /** Calls `begin` now, or when those that came before have left. */
  enter(begin: () => void): void {
    if (this.#current === undefined) {
      this.#current = begin;
      begin();
    } else {
      this.#waiting.push(begin);
    }
  }

  /** Its turn is over, or it does not want one any more. Without effect for one that is not here. */
  leave(begin: () => void): void {
    if (this.#current !== begin) {
      const index = this.#waiting.indexOf(begin);
      if (index >= 0) this.#waiting.splice(index, 1);
      return;
    }
    this.#current = this.#waiting.shift();
    this.#current?.();
  }
}
