import { randomFillSync } from 'node:crypto';

/**
 * The value that stands before and after every slot. Random for each process, so that no constant in a program and no
 * byte pattern of a protocol matches it, and never zero, so that a wipe that runs too far is seen.
 */
const value = new Uint8Array(new ArrayBuffer(8));
const double = new Float64Array(value.buffer);
do {
  randomFillSync(value);
} while (value.some((byte) => byte === 0) || !Number.isFinite(double[0]));

/** The canary as one number. It is finite and not zero, so that what equals it has the same bytes. */
export const CANARY = double[0] as number;

const halves = new Int32Array(value.buffer);

/** The canary as two words in the machine's byte order, for slots at multiples of 8 bytes. */
export const CANARY_LOW = halves[0] as number;
export const CANARY_HIGH = halves[1] as number;

/** A copy of the canary, for writing it through a backend. */
export function canaryBytes(): Uint8Array {
  return value.slice();
}

/** Whether `bytes` ends with the last bytes of a canary; shorter than 8 bytes compares what is there. */
export function endsWithCanary(bytes: Uint8Array): boolean {
  const n = Math.min(bytes.length, value.length);
  for (let i = 1; i <= n; i++) {
    if (bytes[bytes.length - i] !== value[value.length - i]) return false;
  }
  return true;
}
