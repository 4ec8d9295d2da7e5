import { closeSync, openSync, readSync } from 'node:fs';

const CHUNK_BYTE_LENGTH = 4 * 1024 * 1024;

/** How often each of these byte strings occurs in a file. @param {string} file @param {Readonly<Record<string, Uint8Array>>} needles @returns {Record<string, number>} */
export function countIn(file, needles) {
  return Object.fromEntries(
    Object.entries(needles).map(([name, needle]) => [name, offsetsIn(file, needle).length]),
  );
}

/** Where a byte string stands in a file. @param {string} file @param {Uint8Array} needle @returns {number[]} */
export function offsetsIn(file, needle) {
  /** @type {number[]} */
  const offsets = [];
  const overlap = needle.byteLength - 1;
  const chunk = Buffer.alloc(overlap + CHUNK_BYTE_LENGTH);
  const descriptor = openSync(file, 'r');
  try {
    for (let kept = 0, start = 0; ; ) {
      const read = readSync(descriptor, chunk, kept, CHUNK_BYTE_LENGTH, null);
      if (read === 0) return offsets;
      const seen = chunk.subarray(0, kept + read);
      // The bytes that are kept are too few for a whole one.
      for (let at = seen.indexOf(needle); at >= 0; at = seen.indexOf(needle, at + 1)) {
        offsets.push(start + at);
      }
      kept = Math.min(overlap, seen.byteLength);
      start += seen.byteLength - kept;
      chunk.copyWithin(0, seen.byteLength - kept, seen.byteLength);
    }
  } finally {
    closeSync(descriptor);
  }
}
