import type { Protection } from '../contract/index.js';

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
