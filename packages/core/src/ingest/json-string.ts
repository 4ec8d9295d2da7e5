import { jsonRefused } from './json-refused.js';

/** Where a string lies in a document, and what it decodes to. */
export interface JsonString {
  /** Of its first quote. */
  readonly start: number;
  /** Behind its last quote. */
  readonly end: number;
  /** Of the text in UTF-8. */
  readonly byteLength: number;
  /** Whether there is half of a surrogate pair in it, which no UTF-8 has. */
  readonly unpaired: boolean;
}

/** Takes the decoded bytes one after another. */
type Put = (byte: number, index: number) => void;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const U = 0x75;
/** What follows a backslash, and what it stands for; `u` is not among them. */
const ESCAPES: readonly (readonly [number, number])[] = [
  [QUOTE, QUOTE],
  [BACKSLASH, BACKSLASH],
  [0x2f, 0x2f],
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
];

/**
 * Reads the string whose first quote is at `start`, and decodes it byte by byte. Throws for what is no string of JSON
 * (RFC 8259, section 7) and for what is no UTF-8. `put` is never ahead of the bytes that were read, so it may write over them.
 */
export function readString(bytes: Uint8Array, start: number, put: Put): JsonString {
  let at = start + 1;
  let byteLength = 0;
  let unpaired = false;
  for (;;) {
    const byte = bytes[at];
    if (byte === undefined) throw jsonRefused('syntax', 'the document ends inside a string', at);
    if (byte === QUOTE) return { start, end: at + 1, byteLength, unpaired };
    if (byte === BACKSLASH) {
      const { code, end } = readEscape(bytes, at);
      at = end;
      if (isSurrogate(code)) unpaired = true;
      byteLength = putCode(code, put, byteLength);
      continue;
    }
    if (byte < 0x20) throw jsonRefused('syntax', 'a control character inside a string', at);
    const length = sequenceLength(bytes, at, byte);
    if (length === 0) throw jsonRefused('encoding', 'this is not UTF-8', at);
    for (let i = 0; i < length; i++) put(bytes[at + i] as number, byteLength++);
    at += length;
  }
}

/** The code point that an escape stands for: of both halves, where two escapes are a pair. */
function readEscape(bytes: Uint8Array, at: number): { code: number; end: number } {
  const letter = bytes[at + 1];
  const known = ESCAPES.find(([name]) => name === letter);
  if (known !== undefined) return { code: known[1], end: at + 2 };
  const code = letter === U ? fourDigits(bytes, at + 2) : -1;
  if (code < 0) throw jsonRefused('syntax', 'an escape that JSON does not know', at);
  const end = at + 6;
  const isHigh = code >= 0xd800 && code <= 0xdbff;
  if (!isHigh || bytes[end] !== BACKSLASH || bytes[end + 1] !== U) return { code, end };
  const low = fourDigits(bytes, end + 2);
  if (low < 0xdc00 || low > 0xdfff) return { code, end };
  return { code: 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00), end: end + 6 };
}

/** The value of four hexadecimal digits; negative where they are none. */
function fourDigits(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let i = at; i < at + 4; i++) {
    const byte = bytes[i] ?? 0;
    const lower = byte | 0x20;
    if (byte >= 0x30 && byte <= 0x39) value = (value << 4) | (byte - 0x30);
    else if (lower >= 0x61 && lower <= 0x66) value = (value << 4) | (lower - 0x61 + 10);
    else return -1;
  }
  return value;
}

const isSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdfff;

/** Puts a code point as UTF-8 (half of a pair by the same rule) and gives the next index. */
function putCode(code: number, put: Put, index: number): number {
  if (code < 0x80) {
    put(code, index);
    return index + 1;
  }
  const tails = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  const mark = (0xf00 >> (tails + 1)) & 0xff;
  put(mark | (code >> (6 * tails)), index);
  for (let i = 1; i <= tails; i++) put(0x80 | ((code >> (6 * (tails - i))) & 0x3f), index + i);
  return index + tails + 1;
}

/** How many bytes the character at `at` has; 0 where it is no UTF-8 (Unicode, table 3-7). */
function sequenceLength(bytes: Uint8Array, at: number, lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  const least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const most = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  const second = bytes[at + 1] ?? 0;
  if (second < least || second > most) return 0;
  for (let i = 2; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0;
  return length;
}
