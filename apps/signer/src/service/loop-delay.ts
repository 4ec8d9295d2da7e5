const LOOK_MS = 100;
/** How far back it remembers, in looks. */
const LOOKS = 300;

/** How long this process was too busy to look at its connections: time that its clients are not to blame for. */
export class LoopDelay {
  readonly #late = new Float64Array(LOOKS);
  readonly #timer: NodeJS.Timeout;
  #at = 0;
  #expectedAt = performance.now() + LOOK_MS;

  constructor() {
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.#late[this.#at++ % LOOKS] = Math.max(0, now - this.#expectedAt);
      this.#expectedAt = now + LOOK_MS;
    }, LOOK_MS);
    this.#timer.unref();
  }

  /** Milliseconds of the last half minute in which nothing was read, the delay of now included. */
  get ms(): number {
    const now = Math.max(0, performance.now() - this.#expectedAt);
    return this.#late.reduce((sum, late) => sum + late, now);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
