import type { PointerStep } from './json-pointer.js';
import { jsonRefused } from './json-refused.js';
import { type JsonString, readString } from './json-string.js';

/** Deeper documents are refused: the scanner calls itself once for each level. */
export const JSON_DEPTH_MAX = 128;

type JsonType = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const COLON = 0x3a;
const ARRAY = [0x5b, 0x5d] as const;
const OBJECT = [0x7b, 0x7d] as const;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;
const WORDS: readonly (readonly [string, JsonType])[] = [
  ['true', 'boolean'],
  ['false', 'boolean'],
  ['null', 'null'],
];

/**
 * The string that the steps of a pointer lead to. The whole document is looked at, so that nothing is taken out of one that
 * is broken further on; no tree of it is built, and no string. Accepts what `JSON.parse` accepts, but for documents
 * deeper than `JSON_DEPTH_MAX`, bytes that are no UTF-8, and an object on the way that has the name twice.
 */
export function findString(bytes: Uint8Array, steps: readonly PointerStep[]): JsonString {
  return new Scanner(bytes, steps).find();
}

/** What was found where the pointer leads. */
interface Target {
  readonly type: JsonType;
  readonly start: number;
  readonly string: JsonString | undefined;
}

class Scanner {
  readonly #bytes: Uint8Array;
  readonly #steps: readonly PointerStep[];
  #at = 0;
  #depth = 0;
  #target: Target | undefined;
  /** Steps that led somewhere. */
  #reached = 0;

  constructor(bytes: Uint8Array, steps: readonly PointerStep[]) {
    this.#bytes = bytes;
    this.#steps = steps;
  }

  find(): JsonString {
    if (BYTE_ORDER_MARK.every((byte, i) => this.#bytes[i] === byte)) {
      throw jsonRefused('syntax', 'a byte order mark before the document', 0);
    }
    this.#value(0);
    this.#space();
    if (this.#at < this.#bytes.length) throw this.#unexpected('there is more than one value');
    return this.#stringOf(this.#target);
  }

  #stringOf(target: Target | undefined): JsonString {
    if (target === undefined) {
      const problem = `the pointer leads nowhere: ${this.#reached} of its ${this.#steps.length} steps are there`;
      throw jsonRefused('missing', problem, 0);
    }
    const { string, type, start } = target;
    if (string === undefined) throw jsonRefused('type', `the pointer leads to a ${type}`, start);
    if (string.unpaired) throw jsonRefused('encoding', 'a string with half of a pair', start);
    if (string.byteLength === 0) throw jsonRefused('empty', 'the string is empty', start);
    return string;
  }

  /** Reads a value; `step` is how many steps have led here, or undefined where it is beside the way. */
  #value(step: number | undefined): void {
    this.#space();
    const start = this.#at;
    if (step !== undefined) this.#reached = Math.max(this.#reached, step);
    let string: JsonString | undefined;
    let type: JsonType = 'string';
    const byte = this.#bytes[start];
    if (byte === QUOTE) string = this.#string();
    else if (byte === OBJECT[0]) type = this.#object(step);
    else if (byte === ARRAY[0]) type = this.#array(step);
    else type = this.#word() ?? this.#number();
    if (step === this.#steps.length) this.#target = { type, start, string };
  }

  #object(step: number | undefined): JsonType {
    const wanted = step === undefined ? undefined : this.#steps[step];
    let seen = false;
    this.#items(OBJECT, () => {
      this.#space();
      const start = this.#at;
      if (this.#bytes[start] !== QUOTE) throw this.#unexpected('a name is missing');
      const onTheWay = this.#isNamed(wanted);
      if (onTheWay && seen) throw jsonRefused('duplicate', 'a name on the way is twice', start);
      seen ||= onTheWay;
      this.#space();
      if (this.#bytes[this.#at] !== COLON) throw this.#unexpected('a colon is missing');
      this.#at++;
      this.#value(onTheWay ? (step as number) + 1 : undefined);
    });
    return 'object';
  }

  #array(step: number | undefined): JsonType {
    const wanted = step === undefined ? undefined : this.#steps[step]?.index;
    this.#items(ARRAY, (index) => this.#value(index === wanted ? (step as number) + 1 : undefined));
    return 'array';
  }

  /** Reads the items between two brackets, with commas between them. */
  #items([, closing]: readonly [number, number], item: (index: number) => void): void {
    if (++this.#depth > JSON_DEPTH_MAX) {
      throw jsonRefused('depth', `more than ${JSON_DEPTH_MAX} levels`, this.#at);
    }
    this.#at++;
    this.#space();
    if (this.#bytes[this.#at] !== closing) {
      for (let index = 0; ; index++) {
        item(index);
        this.#space();
        if (this.#bytes[this.#at] !== COMMA) break;
        this.#at++;
      }
      if (this.#bytes[this.#at] !== closing) throw this.#unexpected('an end or a comma is missing');
    }
    this.#at++;
    this.#depth--;
  }

  #string(): JsonString {
    const string = readString(this.#bytes, this.#at, () => {});
    this.#at = string.end;
    return string;
  }

  /** Reads a name and tells whether it is the wanted one, however it is written. */
  #isNamed(wanted: PointerStep | undefined): boolean {
    const name = wanted?.name;
    let equal = true;
    const { end, byteLength } = readString(this.#bytes, this.#at, (byte, index) => {
      if (byte !== name?.[index]) equal = false;
    });
    this.#at = end;
    return equal && byteLength === name?.length;
  }

  #word(): JsonType | undefined {
    for (const [word, type] of WORDS) {
      if (![...word].every((letter, i) => this.#bytes[this.#at + i] === letter.charCodeAt(0))) {
        continue;
      }
      this.#at += word.length;
      return type;
    }
    return undefined;
  }

  #number(): JsonType {
    this.#skip(MINUS);
    if (!this.#skip(0x30)) this.#digits();
    if (this.#skip(0x2e)) this.#digits();
    if (this.#skip(0x65) || this.#skip(0x45)) {
      if (!this.#skip(0x2b)) this.#skip(MINUS);
      this.#digits();
    }
    return 'number';
  }

  #digits(): void {
    const start = this.#at;
    while (isDigit(this.#bytes[this.#at])) this.#at++;
    if (this.#at === start) throw this.#unexpected('a value is missing or is none of JSON');
  }

  #skip(byte: number): boolean {
    if (this.#bytes[this.#at] !== byte) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    while (isSpace(this.#bytes[this.#at])) this.#at++;
  }

  #unexpected(problem: string): Error {
    return jsonRefused('syntax', problem, this.#at);
  }
}

const isDigit = (byte: number | undefined): boolean =>
  byte !== undefined && byte >= 0x30 && byte <= 0x39;

const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
