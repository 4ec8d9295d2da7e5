/**
 * Whether two ranges of the same length hold the same bytes, in time that depends on the length alone: every byte is
 * looked at, and nothing branches on what is found, as in `crypto_verify_32` of TweetNaCl. `timingSafeEqual` of Node does
 * the same on whole arrays; making two arrays for each comparison would cost more than the comparison.
 *
 * Preconditions: both ranges lie inside their arrays.
 */
export function equalRanges(
  a: Uint8Array,
  aStart: number,
  b: Uint8Array,
  bStart: number,
  byteLength: number,
): boolean {
  let difference = 0;
  for (let i = 0; i < byteLength; i++) {
    difference |= (a[aStart + i] as number) ^ (b[bStart + i] as number);
  }
  return difference === 0;
}
