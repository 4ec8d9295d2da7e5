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

  /** @param {number} probability from 0 to 1 */
  chance(probability) {
    return this.below(10_000) < probability * 10_000;
  }

  /** @template T @param {readonly T[]} list @returns {T} */
  of(list) {
    return /** @type {T} */ (list[this.below(list.length)]);
  }

  /** @param {number} byteLength */
  noise(byteLength) {
    return new Uint8Array(new ArrayBuffer(byteLength)).map(() => this.below(256));
  }

  /** Bytes that differ from their neighbours, so that one in the wrong place is seen. @param {number} byteLength */
  bytes(byteLength) {
    const start = this.below(256);
    return new Uint8Array(new ArrayBuffer(byteLength)).map((_, index) => start + index * 31);
  }
}
