import { byteLengthOfOrdinary } from '@securemem/core';

/**
 * Bytes that somebody else has given, and may shrink, transfer or overwrite at any moment afterwards. They are measured
 * once, by getters that an own property cannot replace; what is kept for later is a copy.
 */
type Getter<T> = (this: Uint8Array) => T;

const typedArrayPrototype: object = Object.getPrototypeOf(Uint8Array.prototype);
const bufferOf = getterOf<ArrayBuffer>('buffer');
const offsetOf = getterOf<number>('byteOffset');

function getterOf<T>(name: string): Getter<T> {
  return Object.getOwnPropertyDescriptor(typedArrayPrototype, name)?.get as Getter<T>;
}

/**
 * A plain view of the bytes, for use in this very step: its length and its methods are those of the language. Throws
 * `TypeError` for what is no Uint8Array over an ordinary, attached buffer, `RangeError` beyond `byteLengthMax`.
 */
export function viewOfGiven(value: Uint8Array, name: string, byteLengthMax: number): Uint8Array {
  const byteLength = byteLengthOfOrdinary(value, name);
  if (byteLength > byteLengthMax)
    throw new RangeError(`${name} has more than ${byteLengthMax} bytes`);
  return new Uint8Array(bufferOf.call(value), offsetOf.call(value), byteLength);
}

/** A copy in memory that nobody else has, off V8's moving heap. */
export function ownCopy(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new ArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}
