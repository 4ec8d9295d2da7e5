import { TextEncoder } from 'node:util';

/**
 * What a ciphertext is bound to beside its key: which format it has, whose it is, which seal it came from and how long it
 * is. A ciphertext that is put in the place of another one, of an older one of the same name, or cut, does not open.
 */

const FORMAT = 1;
const FIXED_BYTE_LENGTH = 24;

/** Whose ciphertext it is: of a `SealedSecret` (store 0, no name), or of the entry `name` of a store. */
export interface Label {
  readonly store: number;
  readonly name: string;
}

/** The label of secrets that belong to no store. */
export const NO_STORE: Label = Object.freeze({ store: 0, name: '' });

/** Node's own: a test environment with a DOM takes the global away, or has one of another realm. */
const encoder = new TextEncoder();
/** Reused by every call: a name is not secret, and a cipher reads it before it returns. */
let scratch = new Uint8Array(new ArrayBuffer(256));
let fields = new DataView(scratch.buffer);
const unnamed = scratch.subarray(0, FIXED_BYTE_LENGTH);
const unnamedFields = fields;

/**
 * The associated data of one seal, valid until the next call. `counter` is never used twice, `keyNumber` says under which
 * key it was sealed.
 */
export function associatedData(
  label: Label,
  counter: number,
  keyNumber: number,
  byteLength: number,
): Uint8Array {
  const { name } = label;
  const bytes = name === '' ? unnamed : withName(name);
  const view = name === '' ? unnamedFields : fields;
  view.setUint32(0, FORMAT);
  view.setUint32(4, label.store);
  view.setUint32(8, keyNumber);
  view.setUint32(12, byteLength);
  writeCounter(view, 16, counter);
  return bytes;
}

/** A counter as 8 bytes, the most significant first. Counters are integers below 2^53. */
export function writeCounter(view: DataView, byteOffset: number, counter: number): void {
  view.setUint32(byteOffset, Math.floor(counter / 4_294_967_296));
  view.setUint32(byteOffset + 4, counter >>> 0);
}

function withName(name: string): Uint8Array {
  // UTF-8 takes at most three bytes for each unit of a string.
  const most = FIXED_BYTE_LENGTH + name.length * 3;
  if (most > scratch.length) {
    scratch = new Uint8Array(new ArrayBuffer(most * 2));
    fields = new DataView(scratch.buffer);
  }
  const { written } = encoder.encodeInto(name, scratch.subarray(FIXED_BYTE_LENGTH));
  return scratch.subarray(0, FIXED_BYTE_LENGTH + written);
}
