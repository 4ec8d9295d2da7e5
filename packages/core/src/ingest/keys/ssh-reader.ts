import { lengthOf, type Span } from './found-key.js';
import { keyRefused } from './key-refused.js';

/** Reads values as SSH has them (RFC 4251, section 5): each string has its length in front. */
export class SshReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, { start, end }: Span) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  magic(magic: readonly number[]): void {
    const span = this.#take(magic.length, 'the beginning of a key of OpenSSH');
    if (magic.every((byte, i) => this.#bytes[span.start + i] === byte)) return;
    throw this.refused('this is no key of OpenSSH', span.start);
  }

  number(what: string): number {
    const { start } = this.#take(4, what);
    let value = 0;
    for (let i = start; i < start + 4; i++) value = value * 256 + (this.#bytes[i] as number);
    return value;
  }

  string(what: string): Span {
    return this.#take(this.number(what), what);
  }

  /** The same for a string that has values in it. */
  inside(what: string): SshReader {
    return new SshReader(this.#bytes, this.string(what));
  }

  /** Reads a string that must be the same as another. */
  same(other: Span, what: string): void {
    const own = this.string(what);
    let equal = lengthOf(own) === lengthOf(other);
    for (let i = 0; equal && i < lengthOf(own); i++) {
      equal = this.#bytes[own.start + i] === this.#bytes[other.start + i];
    }
    if (equal) return;
    throw keyRefused('mismatch', `${what} is not what the file says in front`, {
      byteOffset: other.start,
    });
  }

  /** Whether a string is this text. */
  is({ start, end }: Span, text: string): boolean {
    if (end - start !== text.length) return false;
    return [...text].every((letter, i) => this.#bytes[start + i] === letter.charCodeAt(0));
  }

  /** A number above zero, without the byte that tells its sign. */
  positive(what: string): Span {
    const { start, end } = this.string(what);
    const first = this.#bytes[start] ?? 0;
    const padded = first === 0 && end - start > 0;
    const needed = ((this.#bytes[start + 1] ?? 0) & 0x80) !== 0 && end - start > 1;
    if (start === end || first >= 0x80 || (padded && !needed)) {
      throw this.refused(`${what} is no number above zero`, start);
    }
    return { start: padded ? start + 1 : start, end };
  }

  /** 1, 2, 3 and so on up to the end, fewer than there are bytes in a block. */
  padding(blockByteLength: number): void {
    const { start, end } = this.#take(this.#end - this.#at, 'the padding');
    let valid = end - start < blockByteLength;
    for (let at = start; at < end; at++) if (this.#bytes[at] !== at - start + 1) valid = false;
    if (!valid) throw this.refused('the padding is not 1, 2, 3 and so on', start);
  }

  /** Throws where anything is left. */
  end(what: string): void {
    if (this.#at !== this.#end) throw this.refused(`something follows ${what}`);
  }

  refused(problem: string, byteOffset = this.#at): Error {
    return keyRefused('syntax', problem, { byteOffset });
  }

  #take(length: number, what: string): Span {
    const start = this.#at;
    if (length > this.#end - start) throw this.refused(`${what} is cut off`);
    this.#at = start + length;
    return { start, end: this.#at };
  }
}
