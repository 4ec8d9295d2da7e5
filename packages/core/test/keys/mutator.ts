/** Bytes at which tags, lengths, signs and bases turn over. */
const TELLING = [
  0, 1, 2, 3, 4, 5, 6, 0x0a, 0x20, 0x2d, 0x30, 0x31, 0x3d, 0x41, 0x7f, 0x80, 0x81, 0x82, 0xa0, 0xa1,
  0xff,
];

/** Changes files a little, in the same way each time it has the same seed. */
export class Mutator {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** One to three changes; one file in thirty stays as it is. */
  change(file: Buffer): Buffer {
    let changed: Buffer = Buffer.from(file);
    if (this.#below(30) === 0) return changed;
    for (let left = 1 + this.#below(3); left > 0; left--) changed = this.#once(changed);
    return changed;
  }

  #once(file: Buffer): Buffer {
    const at = this.#place(file.length);
    const length = 1 + this.#below(8);
    const change = this.#below(8);
    const copy: Buffer = Buffer.from(file);
    const byte = copy[at] ?? 0;
    if (change === 0) copy[at] = this.#below(256);
    else if (change === 1) copy[at] = TELLING[this.#below(TELLING.length)] as number;
    else if (change === 2) copy[at] = byte ^ (1 << this.#below(8));
    else if (change === 3) copy[at] = byte + (this.#below(2) === 0 ? 1 : 255);
    else if (change === 4) return Buffer.concat([file.subarray(0, at), file.subarray(at + length)]);
    else if (change === 5) return file.subarray(0, at);
    else {
      const from = this.#place(file.length);
      const part =
        change === 6
          ? file.subarray(from, from + length)
          : Buffer.of(TELLING[this.#below(TELLING.length)] as number);
      return Buffer.concat([file.subarray(0, at), part, file.subarray(at)]);
    }
    return copy;
  }

  /** Heads of files and their ends are where their structure is. */
  #place(length: number): number {
    const kind = this.#below(4);
    if (kind === 0) return this.#below(Math.min(length, 48));
    return kind === 1 ? length - this.#below(Math.min(length, 48)) : this.#below(length + 1);
  }

  /** xorshift32. */
  #below(bound: number): number {
    let x = this.#state | 0;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % bound;
  }
}
