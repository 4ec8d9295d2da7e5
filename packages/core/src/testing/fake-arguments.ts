import type { Protection } from '../contract/index.js';

const byteLengthOf = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength')?.get as (
  this: ArrayBuffer,
) => number;

/** Throws TypeError unless `bytes` is a Uint8Array over an ordinary, fixed-length, unshared, attached buffer. */
export function checkBytes(bytes: Uint8Array, name: string): void {
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`${name} must be a Uint8Array`);
  const buffer: ArrayBufferLike = bytes.buffer;
  if (!(buffer instanceof ArrayBuffer)) throw new TypeError(`${name} must not be shared memory`);
  if ((buffer as { resizable?: boolean }).resizable === true) {
    throw new TypeError(`${name} must not be over a resizable buffer`);
  }
  if (byteLengthOf.call(buffer) > 0) return;
  try {
    // An empty buffer and a detached one look alike on Node 20, except that nothing can be made over the second.
    new Uint8Array(buffer);
  } catch {
    throw new TypeError(`${name} is over a detached buffer`);
  }
}

/** Throws RangeError unless the range lies inside a region of `regionByteLength` bytes. */
export function checkRange(byteOffset: number, byteLength: number, regionByteLength: number): void {
  checkCount(byteOffset, 'byteOffset');
  checkCount(byteLength, 'byteLength');
  if (byteOffset + byteLength > regionByteLength) {
    throw new RangeError(
      `${byteLength} bytes at ${byteOffset} do not lie inside a region of ${regionByteLength} bytes`,
    );
  }
}

/** Throws RangeError unless `value` is a non-negative safe integer. */
export function checkCount(value: number, name: string): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`${name} must be a non-negative integer`);
  }
}

/** Throws RangeError unless `byteLength` is a positive multiple of the page. */
export function checkMapLength(byteLength: number, pageByteLength: number): void {
  checkCount(byteLength, 'byteLength');
  if (byteLength === 0 || byteLength % pageByteLength !== 0) {
    throw new RangeError(`byteLength must be a positive multiple of ${pageByteLength}`);
  }
}

/** Protections from the weakest to the strongest: a backend offers all up to its capability. */
const STRENGTH: Readonly<Record<Protection | 'none', number>> = {
  none: 0,
  'read-write': 0,
  'read-only': 1,
  'no-access': 2,
};

/** Whether a backend whose strongest level is `strongest` offers `protection`; TypeError for no protection at all. */
export function offersProtection(
  strongest: 'no-access' | 'read-only' | 'none',
  protection: Protection,
): boolean {
  const wanted = protection === ('none' as string) ? undefined : STRENGTH[protection];
  if (wanted === undefined) throw new TypeError(`${String(protection)} is not a protection`);
  return wanted <= STRENGTH[strongest];
}
