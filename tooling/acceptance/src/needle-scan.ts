import { closeSync, openSync, readSync } from 'node:fs';
import type { Needle } from './key-cases.js';
import { type Mapping, mappingsOf } from './memory-scan.mjs';

const CHUNK_BYTE_LENGTH = 4 * 1024 * 1024;
/** No needle is longer. */
const OVERLAP_BYTE_LENGTH = 64;

/**
 * Where needles are in the memory of another process, all of them in one pass. `in page` counts those that lie in locked pages, `outside`
 * the others; one that lies across the border of two reads counts twice.
 */
export function scanFor(
  pid: number,
  needles: readonly Needle[],
): Map<string, { inPage: number; outside: number }> {
  const found = new Map(needles.map(({ name }) => [name, { inPage: 0, outside: 0 }]));
  const chunk = Buffer.from(new ArrayBuffer(CHUNK_BYTE_LENGTH));
  const descriptor = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const mapping of mappingsOf(pid, true)) {
      for (const bytes of readsOf(descriptor, mapping, chunk)) {
        for (const needle of needles) {
          const count = found.get(needle.name) as { inPage: number; outside: number };
          for (
            let at = bytes.indexOf(needle.bytes);
            at >= 0;
            at = bytes.indexOf(needle.bytes, at + 1)
          ) {
            count[mapping.locked ? 'inPage' : 'outside']++;
          }
        }
      }
    }
  } finally {
    closeSync(descriptor);
  }
  return found;
}

function* readsOf(descriptor: number, { start, end }: Mapping, chunk: Buffer): Generator<Buffer> {
  const step = BigInt(CHUNK_BYTE_LENGTH - OVERLAP_BYTE_LENGTH);
  for (let at = start; at < end; at += step) {
    const rest = end - at;
    const wanted = rest < BigInt(CHUNK_BYTE_LENGTH) ? Number(rest) : CHUNK_BYTE_LENGTH;
    try {
      yield chunk.subarray(0, readSync(descriptor, chunk, 0, wanted, at));
    } catch {
      return; // The kernel lets nobody read there.
    }
  }
}
