import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

const CHUNK = 4 * 1_024 * 1_024;

/** How often `needle` occurs in what another process has mapped readable. The searcher must not be the searched. */
export function countInProcess(pid: number, needle: Uint8Array): number {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    let count = 0;
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const range = /^([0-9a-f]+)-([0-9a-f]+) r.{3} .*?(\[v.*\])?$/.exec(line);
      if (range === null || range[3] !== undefined) continue;
      const start = Number.parseInt(range[1] as string, 16);
      count += countIn(memory, start, Number.parseInt(range[2] as string, 16), needle);
    }
    return count;
  } finally {
    closeSync(memory);
  }
}

/** How often `needle` occurs in a file. */
export function countInFile(path: string, byteLength: number, needle: Uint8Array): number {
  const file = openSync(path, 'r');
  try {
    return countIn(file, 0, byteLength, needle);
  } finally {
    closeSync(file);
  }
}

/** Reads in pieces that overlap by one byte less than the needle, so that none is missed or counted twice. */
function countIn(descriptor: number, start: number, end: number, needle: Uint8Array): number {
  const chunk = Buffer.alloc(CHUNK);
  let count = 0;
  for (let position = start; position < end; position += CHUNK - needle.length + 1) {
    let byteLength = 0;
    try {
      byteLength = readSync(descriptor, chunk, 0, Math.min(CHUNK, end - position), position);
    } catch {
      continue;
    }
    const read = chunk.subarray(0, byteLength);
    for (let at = read.indexOf(needle); at !== -1; at = read.indexOf(needle, at + 1)) count++;
  }
  return count;
}
