/** A page, and as much as the system gives at once. */
const BYTE_LENGTH_MIN = 4_096;
const BYTE_LENGTH_MAX = 65_536;

/** Of what may be locked, so that a small limit is for secrets. */
const SHARE = 1 / 64;

/**
 * Bytes of locked memory for everything that comes in; longer frames pass through them in pieces. Where locked memory is not scarce
 * they are many, since each piece is a call of the system and a turn of the loop.
 */
export function receiveByteLength(limitByteLength: number): number {
  const share = Math.floor(limitByteLength * SHARE);
  return Math.max(BYTE_LENGTH_MIN, Math.min(BYTE_LENGTH_MAX, share));
}
