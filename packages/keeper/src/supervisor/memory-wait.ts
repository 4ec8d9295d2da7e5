/**
 * How far the waits of one call in one keeper have gone, in milliseconds of the clock of what is heard. While it waits, the time that it
 * has for its work stands still; once it has waited for as long as it may, that time runs on.
 */
export class MemoryWait {
  readonly #callMsMax: number;
  /** How long it may wait further, all its waits together. */
  #leftMs: number;
  /** What is left of its time to work. */
  #workMs = 0;
  #sinceMs = Number.NaN;
  #asked = false;

  constructor(callMsMax: number, waitMsMax: number) {
    this.#callMsMax = callMsMax;
    this.#leftMs = waitMsMax;
  }

  get goingOn(): boolean {
    return !Number.isNaN(this.#sinceMs);
  }

  /** The keeper says that the call waits, for the first time or because it was asked. Gives the next deadline. */
  told(nowMs: number, deadlineMs: number): number {
    if (!this.goingOn) {
      this.#sinceMs = nowMs;
      this.#workMs = Math.max(0, deadlineMs - nowMs);
    }
    this.#asked = false;
    return this.#nextMs(nowMs);
  }

  /** It waits no more. Gives the deadline of its work. */
  over(nowMs: number): number {
    const waitedMs = nowMs - this.#sinceMs;
    const beyondMs = Math.max(0, waitedMs - this.#leftMs);
    this.#leftMs -= waitedMs - beyondMs;
    this.#sinceMs = Number.NaN;
    return nowMs + Math.max(0, this.#workMs - beyondMs);
  }

  /**
   * The deadline has come while the call was last said to wait. Undefined where that is no excuse any more, since it was asked and has
   * not answered, or has waited for too long; else the keeper is to be asked, and this is the next deadline.
   */
  ask(nowMs: number): number | undefined {
    if (this.#asked || nowMs >= this.#endMs) return undefined;
    this.#asked = true;
    return this.#nextMs(nowMs);
  }

  get #endMs(): number {
    return this.#sinceMs + this.#leftMs + this.#workMs;
  }

  /** A keeper is believed for as long as a call may take, and asked again then. */
  #nextMs(nowMs: number): number {
    return Math.min(nowMs + this.#callMsMax, this.#endMs);
  }
}
