const CANARY = 0xc9;
const MARGIN = 16;

/** Bytes with a margin around them that nobody may touch. */
export class Guarded {
  #around;
  bytes;

  /** @param {number} byteLength @param {number} [fill] */
  constructor(byteLength, fill = 0) {
    this.#around = new Uint8Array(new ArrayBuffer(byteLength + 2 * MARGIN)).fill(CANARY);
    this.bytes = this.#around.subarray(MARGIN, MARGIN + byteLength).fill(fill);
  }

  /** @param {string} what */
  check(what) {
    const before = this.#around.subarray(0, MARGIN);
    const after = this.#around.subarray(MARGIN + this.bytes.length);
    if ([...before, ...after].some((byte) => byte !== CANARY)) {
      throw new Error(`${what} wrote beside its target`);
    }
  }
}

/** The same for numbers of the addon. */
export class GuardedNumbers {
  #around;
  numbers;

  /** @param {number} length */
  constructor(length) {
    this.#around = new Float64Array(length + 2).fill(-7.5);
    this.numbers = this.#around.subarray(1, 1 + length);
  }

  /** @param {string} what */
  check(what) {
    if (this.#around[0] !== -7.5 || this.#around.at(-1) !== -7.5) {
      throw new Error(`${what} wrote beside its numbers`);
    }
  }
}
