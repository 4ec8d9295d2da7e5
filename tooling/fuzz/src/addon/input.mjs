/** Reads decisions off the bytes of an input. When they are used up, every further one is 0. */
export class Input {
  #bytes;
  #at = 0;

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.#bytes = bytes;
  }

  get isEmpty() {
    return this.#at >= this.#bytes.length;
  }

  byte() {
    const byte = this.#bytes[this.#at] ?? 0;
    this.#at += 1;
    return byte;
  }

  /** @template T @param {readonly T[]} list @returns {T} */
  of(list) {
    return /** @type {T} */ (list[this.byte() % list.length]);
  }

  /** True once in `times`. @param {number} times */
  once(times) {
    return this.byte() % times === times - 1;
  }

  /** A count from 0 to `most`, at its ends and around the halves more often than elsewhere. @param {number} most */
  count(most) {
    const near = [0, 1, most, most - 1, most >> 1, (most >> 1) + 1];
    const chosen = this.byte();
    if (chosen < 128) return Math.max(0, /** @type {number} */ (near[chosen % near.length]));
    return ((chosen << 8) | this.byte()) % (most + 1);
  }
}

/** What is no count, and what only looks like one. */
const ODD_NUMBERS = [
  -1,
  -0.5,
  0.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 63,
  1e300,
];
const NO_NUMBERS = ['8', null, undefined, 8n, {}, [], true, Symbol.iterator];

/** @param {Input} input @returns {unknown} */
export function oddValue(input) {
  return input.once(3) ? input.of(NO_NUMBERS) : input.of(ODD_NUMBERS);
}
