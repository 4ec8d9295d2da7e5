import { zero } from '../contract/zero.js';
/** What became of the line. */
export type LineState = 'typing' | 'done' | 'interrupted' | 'ended';

const CTRL_C = 0x03;
const CTRL_D = 0x04;
const CTRL_H = 0x08;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const CTRL_U = 0x15;
const ESCAPE = 0x1b;
const SPACE = 0x20;
const DELETE = 0x7f;

/**
 * Edits one line where it lies. The next byte is read to `position` of the page; `take` then looks at it and either keeps
 * it or takes it away. Nothing is held outside the page but how long the line is.
 *
 * Return ends the line, backspace takes the last character (of UTF-8, as a whole), Ctrl-U all of them, Ctrl-C interrupts
 * and Ctrl-D ends the line, or the input when there is none. Other control characters and the sequences of arrow and
 * function keys are left out.
 */
export class LineEditor {
  readonly #byteLengthMax: number;
  #length = 0;
  #overflow = false;
  /** How far into an escape sequence: outside, after Escape, inside `ESC [` or `ESC O`. */
  #escape: 'outside' | 'introduced' | 'inside' = 'outside';

  constructor(byteLengthMax: number) {
    this.#byteLengthMax = byteLengthMax;
  }

  /** Where the next byte goes; the page has at least `byteLengthMax + 1` bytes. Also the length of the line. */
  get position(): number {
    return this.#length;
  }

  /** Whether more was typed than is accepted. The rest is read all the same, so that no shell gets it. */
  get overflow(): boolean {
    return this.#overflow;
  }

  /** Judges the byte at `position` of `bytes`. */
  take(bytes: Uint8Array): LineState {
    const byte = bytes[this.#length] as number;
    const part = this.#escape !== 'outside';
    if (!part && byte >= SPACE && byte !== DELETE) {
      if (this.#length < this.#byteLengthMax) this.#length++;
      else {
        this.#overflow = true;
        bytes[this.#length] = 0;
      }
      return 'typing';
    }
    bytes[this.#length] = 0;
    if (part) this.#follow(byte);
    else if (byte === ESCAPE) this.#escape = 'introduced';
    else if (byte === CARRIAGE_RETURN || byte === LINE_FEED) return 'done';
    else if (byte === CTRL_C) return 'interrupted';
    else if (byte === CTRL_D) return this.#length === 0 ? 'ended' : 'done';
    else if (byte === CTRL_H || byte === DELETE) this.#takeBack(bytes);
    else if (byte === CTRL_U) this.#takeAllBack(bytes);
    return 'typing';
  }

  /** Begins anew: nothing was typed. */
  clear(bytes: Uint8Array): void {
    this.#takeAllBack(bytes);
    this.#escape = 'outside';
  }

  /** Escape with one character, or `ESC [` and `ESC O` up to a letter or a tilde. */
  #follow(byte: number): void {
    if (this.#escape === 'introduced' && (byte === 0x5b || byte === 0x4f)) this.#escape = 'inside';
    else if (this.#escape === 'introduced' || byte >= 0x40) this.#escape = 'outside';
  }

  #takeBack(bytes: Uint8Array): void {
    while (this.#length > 0) {
      const last = bytes[--this.#length] as number;
      bytes[this.#length] = 0;
      if ((last & 0xc0) !== 0x80) return;
    }
  }

  #takeAllBack(bytes: Uint8Array): void {
    zero(bytes, 0, this.#length);
    this.#length = 0;
    this.#overflow = false;
  }
}
