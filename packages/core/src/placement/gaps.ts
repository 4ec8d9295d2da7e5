import type { Gap } from './gap.js';
import { restedEnough } from './resting.js';
import { CANARY_BYTE_LENGTH } from './size-classes.js';

/** How many of those that were shown are looked through for one that fits. */
const SEARCH_MAX = 128;

/**
 * The gaps of all mixed slabs. Those that were never shown are sorted by length, so that the best fit is found at once;
 * those that were are taken first in, first out.
 */
export class Gaps {
  /** Bytes of all gaps, each with one canary: the sum stays the same when gaps are joined. */
  byteLength = 0;
  shownByteLength = 0;
  count = 0;
  /** By length in steps of 8 bytes. The last bin holds all that is as long as it or longer. */
  readonly #bins: Gap[][];
  /** One bit for each bin that is not empty. */
  readonly #filled: Int32Array;
  readonly #shown = new Set<Gap>();

  /** Precondition: nothing longer than `byteLengthMax` is looked for. */
  constructor(byteLengthMax: number) {
    const count = (byteLengthMax >>> 3) + 1;
    this.#bins = Array.from({ length: count }, () => []);
    this.#filled = new Int32Array((count + 31) >>> 5);
  }

  add(gap: Gap): void {
    this.byteLength += gap.byteLength + CANARY_BYTE_LENGTH;
    this.count++;
    if (gap.shown) {
      gap.position = 0;
      this.#shown.add(gap);
      this.shownByteLength += gap.byteLength;
      return;
    }
    const bin = this.#binOf(gap);
    const list = this.#bins[bin] as Gap[];
    gap.position = list.length;
    list.push(gap);
    this.#filled[bin >>> 5] = (this.#filled[bin >>> 5] as number) | (1 << (bin & 31));
  }

  /** Nothing happens where the gap is not among them. */
  delete(gap: Gap): void {
    if (gap.position < 0) return;
    this.byteLength -= gap.byteLength + CANARY_BYTE_LENGTH;
    this.count--;
    if (gap.shown) {
      this.#shown.delete(gap);
      this.shownByteLength -= gap.byteLength;
    } else this.#leaveBin(gap);
    gap.position = -1;
  }

  /** The shortest that holds so many steps of 8 bytes and was never shown. */
  best(eighths: number): Gap | undefined {
    const bin = this.#firstFilled(eighths);
    return bin < 0 ? undefined : (this.#bins[bin] as Gap[]).at(-1);
  }

  /** The one of exactly this length that became free last and was never shown. */
  exact(eighths: number): Gap | undefined {
    return eighths < this.#bins.length - 1 ? this.#bins[eighths]?.at(-1) : undefined;
  }

  /** Of those that were shown the longest free that fits, once enough of them rest. */
  rested(eighths: number): Gap | undefined {
    let oldest: Gap | undefined;
    let count = 0;
    let looked = 0;
    for (const gap of this.#shown) {
      if (++looked > SEARCH_MAX) return undefined;
      if (gap.byteLength < eighths * 8) continue;
      oldest ??= gap;
      if (restedEnough(++count, eighths * 8)) return oldest;
    }
    return undefined;
  }

  /** Of those that were shown the longest free that fits, however short its rest. */
  oldest(eighths: number): Gap | undefined {
    for (const gap of this.#shown) if (gap.byteLength >= eighths * 8) return gap;
    return undefined;
  }

  #binOf(gap: Gap): number {
    return Math.min(gap.byteLength >>> 3, this.#bins.length - 1);
  }

  #leaveBin(gap: Gap): void {
    const bin = this.#binOf(gap);
    const list = this.#bins[bin] as Gap[];
    const last = list.pop() as Gap;
    if (last !== gap) {
      list[gap.position] = last;
      last.position = gap.position;
    }
    if (list.length > 0) return;
    this.#filled[bin >>> 5] = (this.#filled[bin >>> 5] as number) & ~(1 << (bin & 31));
  }

  /** The first bin from `from` on that is not empty; -1 where there is none. */
  #firstFilled(from: number): number {
    let word = from >>> 5;
    if (word >= this.#filled.length) return -1;
    let bits = (this.#filled[word] as number) & (-1 << (from & 31));
    while (bits === 0) {
      if (++word >= this.#filled.length) return -1;
      bits = this.#filled[word] as number;
    }
    return (word << 5) + 31 - Math.clz32(bits & -bits);
  }
}
