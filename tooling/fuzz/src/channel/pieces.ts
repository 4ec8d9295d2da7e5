import { Random } from '../random.mjs';

/** Forty pieces are enough for every cut to be tried in some run. */
const PIECES_MAX = 40;

/** The stream in pieces of every size, as a pipe might give it. The bytes alone decide where it is cut, so that a kept input says all. */
export function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  const random = new Random(sum(bytes));
  const least = Math.ceil(bytes.length / PIECES_MAX);
  const longest = random.of([1, 7, 17, 4_096, bytes.length]);
  for (let at = 0; at < bytes.length; ) {
    const next = at + Math.max(least, 1 + random.below(longest));
    yield bytes.subarray(at, next);
    at = next;
  }
}

/** FNV-1a. */
function sum(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}
