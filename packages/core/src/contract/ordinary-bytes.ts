/**
 * The check of `source` and `target` that every backend must make.
 *
 * A caller can hand over anything that has the type Uint8Array, and three of those things are dangerous: a shared buffer
 * (another thread writes while we copy), a resizable buffer (its length changes between our check and our use), and a
 * detached one (nothing is copied and nobody notices). They are refused before anything changes.
 *
 * The getters are taken from the prototypes when this module is loaded, and called on the value: an own property such as
 * `byteLength` on the array, or a prototype patched later, cannot lie to us. They also recognise arrays of another realm,
 * which `instanceof` would not.
 */
type Getter = (this: unknown) => unknown;

function getterOf(prototype: object, name: string | symbol): Getter {
  return Object.getOwnPropertyDescriptor(prototype, name)?.get as Getter;
}

const typedArrayPrototype: object = Object.getPrototypeOf(Uint8Array.prototype);
const kindOf = getterOf(typedArrayPrototype, Symbol.toStringTag);
const bufferOf = getterOf(typedArrayPrototype, 'buffer');
const lengthOf = getterOf(typedArrayPrototype, 'byteLength');
const bufferLengthOf = getterOf(ArrayBuffer.prototype, 'byteLength');
const resizableOf = getterOf(ArrayBuffer.prototype, 'resizable');

/**
 * The byte length of `value`, which is a Uint8Array over an ordinary, fixed-length, unshared, attached buffer. Throws
 * `TypeError` for everything else; `name` is the parameter that the message speaks of.
 */
export function byteLengthOfOrdinary(value: Uint8Array, name: string): number {
  if (kindOf.call(value) !== 'Uint8Array') throw new TypeError(`${name} must be a Uint8Array`);
  const buffer = bufferOf.call(value) as ArrayBuffer;
  let bufferByteLength: unknown;
  try {
    bufferByteLength = bufferLengthOf.call(buffer);
  } catch {
    throw new TypeError(`${name} must not be over a SharedArrayBuffer`);
  }
  if (resizableOf.call(buffer) === true) {
    throw new TypeError(`${name} must not be over a resizable ArrayBuffer`);
  }
  if (bufferByteLength === 0) {
    // Node 20 has no ArrayBuffer.prototype.detached. A new array over a detached buffer throws TypeError on every version.
    new Uint8Array(buffer);
  }
  return lengthOf.call(value) as number;
}
