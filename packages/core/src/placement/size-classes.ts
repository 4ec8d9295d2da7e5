/**
 * The lengths of pooled slots, and the arithmetic of cutting a slab.
 *
 * The class of a secret is its length in steps of 8 bytes: a slot is never more than 7 bytes longer than what it holds.
 *
 * A slab is laid out as `canary slot canary slot … canary`: one canary between neighbours serves both.
 */

/** In bytes. Wide enough that a stray write does not match by chance, small enough for 72 bytes per 64-byte secret. */
export const CANARY_BYTE_LENGTH = 8;

/** A slab holds at most this share of what the limit allows: few survivors of a burst must not keep all of it. */
const SLABS_PER_LIMIT_MIN = 256;

/** An even slab may waste this share of its bytes behind its last slot. */
const TAIL_SHARE_MAX = 0.125;

const roundUp = (n: number, multiple: number): number => Math.ceil(n / multiple) * multiple;

/** The size class of a secret: its length in steps of 8 bytes. */
export function classOfLength(byteLength: number): number {
  return (byteLength + 7) >>> 3;
}

/** Bytes that one secret takes among others, with one canary. */
export function strideOf(classIndex: number): number {
  return classIndex * 8 + CANARY_BYTE_LENGTH;
}

/** How many slots of a class a slab of `slabByteLength` bytes holds. */
export function slotsPerSlab(slabByteLength: number, slotByteLength: number): number {
  const stride = slotByteLength + CANARY_BYTE_LENGTH;
  return Math.max(0, Math.floor((slabByteLength - CANARY_BYTE_LENGTH) / stride));
}

/** The smallest slab, in whole pages, that holds `count` slots of a class. In bytes. */
export function slabByteLengthFor(
  count: number,
  slotByteLength: number,
  pageByteLength: number,
): number {
  const stride = slotByteLength + CANARY_BYTE_LENGTH;
  return roundUp(CANARY_BYTE_LENGTH + count * stride, pageByteLength);
}

/** The smallest slab that does not waste too much behind its last slot. In bytes. */
export function thriftySlabByteLength(slotByteLength: number, pageByteLength: number): number {
  const stride = slotByteLength + CANARY_BYTE_LENGTH;
  for (let byteLength = pageByteLength; ; byteLength += pageByteLength) {
    const slots = slotsPerSlab(byteLength, slotByteLength);
    if (slots > 0 && byteLength - slots * stride <= byteLength * TAIL_SHARE_MAX) return byteLength;
  }
}

/** The largest slab under a limit, in bytes: one page where the limit is tight. */
export function slabByteLengthMaxUnder(limitByteLength: number, pageByteLength: number): number {
  const pages = Math.floor(limitByteLength / SLABS_PER_LIMIT_MIN / pageByteLength);
  return Math.max(1, pages) * pageByteLength;
}

/** The largest secret that shares one page with others, in bytes. */
export function pageShareByteLengthMax(pageByteLength: number): number {
  return pageByteLength - 2 * CANARY_BYTE_LENGTH;
}

/** The whole pages that `byteLength` bytes take, in bytes. */
export function pagesByteLength(byteLength: number, pageByteLength: number): number {
  return roundUp(byteLength, pageByteLength);
}
