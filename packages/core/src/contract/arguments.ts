import type { Protection } from './capabilities.js';

/**
 * The checks that the preconditions of the contract ask of every backend, beside `byteLengthOfOrdinary` for arrays. A backend
 * calls them before anything changes.
 */

/** Throws `RangeError` unless `value` is a non-negative safe integer. */
export function requireCount(value: number, name: string): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new RangeError(`${name} must be a non-negative integer`);
}

/**
 * Throws `RangeError` unless the range lies inside a region of `regionByteLength` bytes. `NaN`, fractions and huge numbers are
 * no safe integers, so the sum is exact enough to compare.
 */
export function requireRange(
  byteOffset: number,
  byteLength: number,
  regionByteLength: number,
): void {
  requireCount(byteOffset, 'byteOffset');
  requireCount(byteLength, 'byteLength');
  if (byteOffset + byteLength <= regionByteLength) return;
  throw new RangeError(
    `${byteLength} bytes at ${byteOffset} do not lie inside a region of ${regionByteLength} bytes`,
  );
}

/** Throws `RangeError` unless `byteLength` is a positive multiple of the page. */
export function requireMapLength(byteLength: number, pageByteLength: number): void {
  requireCount(byteLength, 'byteLength');
  if (byteLength > 0 && byteLength % pageByteLength === 0) return;
  throw new RangeError(`byteLength must be a positive multiple of ${pageByteLength}`);
}

/** Throws `TypeError` for what is no protection at all; whether the backend offers it is another question. */
export function requireProtection(protection: Protection): void {
  if (protection === 'no-access' || protection === 'read-only' || protection === 'read-write') {
    return;
  }
  throw new TypeError(`${String(protection)} is not a protection`);
}

const VARIABLE_NAME_BYTE_LENGTH_MAX = 1024;

/** The bytes of the name of a variable, or `TypeError` for what can be none. */
export function requireVariableName(name: string): Uint8Array {
  // Half of a surrogate pair has no UTF-8.
  if (typeof name === 'string' && name !== '' && !/[=\0]|\p{Surrogate}/u.test(name)) {
    const bytes = utf8(name);
    if (bytes.length <= VARIABLE_NAME_BYTE_LENGTH_MAX) return bytes;
  }
  throw new TypeError(
    `name must be 1 to ${VARIABLE_NAME_BYTE_LENGTH_MAX} bytes of text without = and NUL`,
  );
}

/** By what the language itself has: there is no `TextEncoder` in the test environments with a DOM. */
function utf8(text: string): Uint8Array {
  const units = encodeURIComponent(text).match(/%..|./g) ?? [];
  return Uint8Array.from(units, (unit) =>
    unit.length === 3 ? Number.parseInt(unit.slice(1), 16) : unit.charCodeAt(0),
  );
}
