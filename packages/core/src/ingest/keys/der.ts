import type { Span } from './found-key.js';
import { keyRefused } from './key-refused.js';

/** Tags of one byte; `CONTEXT` is the first of those that a format numbers itself. */
export const TAG = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  sequence: 0x30,
  set: 0x31,
} as const;

/** `[n]` in front of another value, or in place of the tag of a constructed one. */
export const constructed = (n: number): number => 0xa0 + n;
/** `[n]` in place of the tag of a primitive one. */
export const primitive = (n: number): number => 0x80 + n;

/** No value of a key is longer: lengths have three bytes at most, and sums of them stay small. */
const LENGTH_BYTES_MAX = 3;

/**
 * Reads the values of one constructed value in order, as DER has them (X.690, section 10): each length is definite and as short as
 * can be. It calls itself for nothing, so a file cannot make it go deeper than the format does; whoever reads says when it
 * must be at its end. Offsets in errors count from the beginning of `bytes`.
 */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, { start, end }: Span) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** The values of one that is all of `der`. */
  static only(bytes: Uint8Array, der: Span, tag: number, what: string): DerReader {
    const outer = new DerReader(bytes, der);
    const inner = outer.enter(tag, what);
    outer.end(what);
    return inner;
  }

  /** The tag of the next value; undefined at the end. */
  get next(): number | undefined {
    return this.#at < this.#end ? this.#bytes[this.#at] : undefined;
  }

  /** The content of the next value, which must have this tag; `what` names it in the error. */
  take(tag: number, what: string): Span {
    if (this.next !== tag) throw this.#refused(`${what} is missing`);
    const { length, start } = this.#length(what);
    if (length > this.#end - start) throw this.#refused(`${what} is longer than what is around it`);
    this.#at = start + length;
    return { start, end: this.#at };
  }

  /** The same for a constructed value, to be read in turn. */
  enter(tag: number, what: string): DerReader {
    return new DerReader(this.#bytes, this.take(tag, what));
  }

  /** An integer above zero, without the byte that tells its sign. */
  positive(what: string): Span {
    const { start, end } = this.integer(what);
    const first = this.#bytes[start] as number;
    if (first >= 0x80) throw this.#refused(`${what} is negative`, start);
    if (first > 0) return { start, end };
    if (end - start === 1) throw this.#refused(`${what} is zero`, start, 'value');
    return { start: start + 1, end };
  }

  /** The value of an integer of 0 to 2^31 - 1, which is no secret. */
  small(what: string): number {
    const { start, end } = this.integer(what);
    let value = 0;
    for (let i = start; i < end; i++) value = value * 256 + (this.#bytes[i] as number);
    if ((this.#bytes[start] as number) >= 0x80 || end - start > 4 || value > 0x7fff_ffff) {
      throw this.#refused(`${what} is out of range`, start, 'value');
    }
    return value;
  }

  /** The content of an integer, which has no byte too many. */
  integer(what: string): Span {
    const { start, end } = this.take(TAG.integer, what);
    const first = this.#bytes[start];
    const second = (this.#bytes[start + 1] ?? 0) & 0x80;
    const padded = end - start > 1 && first === (second === 0 ? 0 : 0xff);
    if (end === start || padded) throw this.#refused(`${what} is no integer of DER`, start);
    return { start, end };
  }

  /** The content of a bit string of whole bytes. */
  bits(tag: number, what: string): Span {
    const { start, end } = this.take(tag, what);
    if (end === start || this.#bytes[start] !== 0) {
      throw this.#refused(`${what} is no string of whole bytes`, start);
    }
    return { start: start + 1, end };
  }

  nothing(what: string): void {
    const { start, end } = this.take(TAG.null, what);
    if (end !== start) throw this.#refused(`${what} is not empty`, start);
  }

  /** Throws where anything is left. */
  end(what: string): void {
    if (this.#at !== this.#end) throw this.#refused(`something follows ${what}`);
  }

  /** The length of the value at hand, and where its content begins. */
  #length(what: string): { length: number; start: number } {
    const at = this.#at + 1;
    const first = at < this.#end ? (this.#bytes[at] as number) : -1;
    if (first >= 0 && first < 0x80) return { length: first, start: at + 1 };
    const count = first - 0x80;
    const start = at + 1 + count;
    const broken = first <= 0x80 || count > LENGTH_BYTES_MAX || start > this.#end;
    if (broken) throw this.#refused(`${what} has a length that is too long, cut off or indefinite`);
    let length = 0;
    for (let i = at + 1; i < start; i++) length = length * 256 + (this.#bytes[i] as number);
    const shortest = count === 1 ? 0x80 : 256 ** (count - 1);
    if (length < shortest)
      throw this.#refused(`${what} has a length that is not in its shortest form`);
    return { length, start };
  }

  #refused(problem: string, byteOffset = this.#at, reason: 'syntax' | 'value' = 'syntax'): Error {
    return keyRefused(reason, problem, { byteOffset });
  }
}
