/**
 * Wiping that survives a patched prototype: the functions are taken when this module is loaded, and nothing that is looked
 * up later takes part.
 */
const { apply } = Reflect;
const typedArrayPrototype: Uint8Array = Object.getPrototypeOf(Uint8Array.prototype);
const { fill } = typedArrayPrototype;
const lengthOf = Object.getOwnPropertyDescriptor(typedArrayPrototype, 'byteLength')
  ?.get as () => number;

/**
 * Overwrites `bytes[start, end)` with zeros, all of it by default. An array whose buffer was transferred away has no bytes
 * left: then nothing happens.
 */
export function zero(bytes: Uint8Array, start = 0, end = 2 ** 53 - 1): void {
  if (apply(lengthOf, bytes, []) > 0) apply(fill, bytes, [0, start, end]);
}
