/** A small generator that can be repeated: xorshift32. The seed of a run is printed, and is all that its inputs depend on. */
export class Random {
  #state;

  /** @param {number} seed */
  constructor(seed) {
    this.#state = (Math.imul(seed | 0, 2_654_435_761) ^ 0x9e3779b9) | 1;
  }

  /** A whole number from 0 to `bound` - 1. @param {number} bound */
  below(bound) {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return (state >>> 0) % bound;
  }

  /** @template T @param {readonly T[]} list @returns {T} */
  of(list) {
    return /** @type {T} */ (list[this.below(list.length)]);
  }
}
