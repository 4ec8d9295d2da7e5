/** So long after a refusal others are taken to want pages too, in milliseconds. */
const CONTENDED_MS = 1_000;

/**
 * Whether others under the same limit of the kernel want pages: other threads, copies of this package, or programs. It shows where
 * the kernel refuses a region for which the own account has room.
 */
export class Contention {
  /** The kernel has refused lately. */
  isOn = false;
  #timer: NodeJS.Timeout | undefined;

  note(): void {
    this.isOn = true;
    if (this.#timer !== undefined) {
      this.#timer.refresh();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.isOn = false;
    }, CONTENDED_MS);
    this.#timer.unref();
  }
}
