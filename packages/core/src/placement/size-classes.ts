/**
 * The sizes of pooled slots, and the arithmetic of cutting a slab.
 *
 * Classes are spaced four to a doubling, so a slot is at most a quarter larger than what it holds; the spacing is that of
 * jemalloc (J. Evans, "A Scalable Concurrent malloc(3) Implementation for FreeBSD", 2006).
 *
 * A slab is laid out as `canary slot canary slot … canary`: one canary between neighbours serves both.
 */

/** In bytes. Wide enough that a stray write does not match by chance, small enough for 72 bytes per 64-byte secret. */
export const CANARY_BYTE_LENGTH = 8;

const SMALLEST_BYTE_LENGTH = 16;
const CLASSES_PER_DOUBLING = 4;

const roundUp = (n: number, multiple: number): number => Math.ceil(n / multiple) * multiple;

/**
 * The slot sizes for secrets of 1 to `pooledByteLengthMax` bytes, ascending, each a multiple of 8. Empty when
 * `pooledByteLengthMax` is 0.
 */
export function sizeClasses(pooledByteLengthMax: number): readonly number[] {
  const largest = roundUp(pooledByteLengthMax, 8);
  const classes: number[] = [];
  let size = SMALLEST_BYTE_LENGTH;
  let step = 8;
  while (size < largest) {
    classes.push(size);
    if (size >= step * CLASSES_PER_DOUBLING * 2) step *= 2;
    size += step;
  }
  if (pooledByteLengthMax > 0) classes.push(Math.max(largest, SMALLEST_BYTE_LENGTH));
  return classes;
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

/** The whole pages that `byteLength` bytes take, in bytes. */
export function pagesByteLength(byteLength: number, pageByteLength: number): number {
  return roundUp(byteLength, pageByteLength);
}
