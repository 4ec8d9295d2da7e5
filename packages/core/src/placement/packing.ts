import { CANARY_BYTE_LENGTH, slabByteLengthFor, strideOf } from './size-classes.js';

/**
 * The pages that so many secrets of each class fill, all else empty: the longest first, each where it fits best. What does not
 * share one page takes as many as it needs.
 */
export function leastPages(counts: ReadonlyMap<number, number>, pageByteLength: number): number {
  const whole = pageByteLength - CANARY_BYTE_LENGTH;
  /** How many pages have so many steps of 8 bytes left. */
  const left = new Int32Array((whole >>> 3) + 1);
  let pages = 0;
  for (const [classIndex, count] of [...counts].sort(([a], [b]) => b - a)) {
    const stride = strideOf(classIndex);
    if (stride > whole) {
      pages += slabByteLengthFor(count, classIndex * 8, pageByteLength) / pageByteLength;
      continue;
    }
    const unplaced = fill(left, stride >>> 3, count);
    const each = Math.floor(whole / stride);
    const more = Math.ceil(unplaced / each);
    pages += more;
    const last = unplaced - (more - 1) * each;
    addPages(left, (whole - each * stride) >>> 3, more - 1);
    if (more > 0) addPages(left, (whole - last * stride) >>> 3, 1);
  }
  return pages;
}

/** Places `count` of them into pages that are begun, the fullest first, and returns how many remain. */
function fill(left: Int32Array, stride: number, count: number): number {
  let remaining = count;
  for (let free = stride; free < left.length && remaining > 0; free++) {
    const pages = left[free] as number;
    if (pages === 0) continue;
    const each = Math.floor(free / stride);
    const full = Math.min(pages, Math.floor(remaining / each));
    addPages(left, free, -full);
    addPages(left, free - each * stride, full);
    remaining -= full * each;
    if (full === pages || remaining === 0) continue;
    addPages(left, free, -1);
    addPages(left, free - remaining * stride, 1);
    remaining = 0;
  }
  return remaining;
}

function addPages(left: Int32Array, free: number, pages: number): void {
  if (pages !== 0) left[free] = (left[free] as number) + pages;
}
