/**
 * Copied out of the template, as the guide says. All of the checks throw before anything changes.
 *
 * The getters are taken from the prototypes at import: an own property or a prototype that is patched later cannot lie.
 */
const typedArray = Object.getPrototypeOf(Uint8Array.prototype);
const kindOf = getter(typedArray, Symbol.toStringTag);
const bufferOf = getter(typedArray, 'buffer');
const lengthOf = getter(typedArray, 'byteLength');
const bufferLengthOf = getter(ArrayBuffer.prototype, 'byteLength');
const resizableOf = getter(ArrayBuffer.prototype, 'resizable');

/** @param {object} prototype @param {string | symbol} name @returns {(this: unknown) => any} */
function getter(prototype, name) {
  return /** @type {any} */ (Object.getOwnPropertyDescriptor(prototype, name)?.get);
}

/** The length of a Uint8Array over an ordinary buffer; TypeError for all else. @param {Uint8Array} value @param {string} name */
export function ordinaryBytes(value, name) {
  if (kindOf.call(value) !== 'Uint8Array') throw new TypeError(`${name} must be a Uint8Array`);
  const buffer = bufferOf.call(value);
  let bufferByteLength;
  try {
    bufferByteLength = bufferLengthOf.call(buffer);
  } catch {
    throw new TypeError(`${name} must not be shared memory`);
  }
  if (resizableOf.call(buffer) === true) throw new TypeError(`${name} must not be resizable`);
  // Throws TypeError when the buffer is detached, on every version of Node.
  if (bufferByteLength === 0) new Uint8Array(buffer);
  return /** @type {number} */ (lengthOf.call(value));
}

/** @param {number} value @param {string} name */
export function checkCount(value, name) {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new RangeError(`${name} must be a non-negative integer`);
}

/** @param {number} byteOffset @param {number} byteLength @param {number} regionByteLength */
export function checkRange(byteOffset, byteLength, regionByteLength) {
  checkCount(byteOffset, 'byteOffset');
  checkCount(byteLength, 'byteLength');
  if (byteOffset + byteLength > regionByteLength) {
    throw new RangeError('the range must lie inside the region');
  }
}

/** @param {number} byteLength @param {number} pageByteLength */
export function checkMapLength(byteLength, pageByteLength) {
  checkCount(byteLength, 'byteLength');
  if (byteLength > 0 && byteLength % pageByteLength === 0) return;
  throw new RangeError(`byteLength must be a positive multiple of ${pageByteLength}`);
}

/** @param {string} protection */
export function checkProtection(protection) {
  if (['no-access', 'read-only', 'read-write'].includes(protection)) return;
  throw new TypeError(`${String(protection)} is not a protection`);
}
