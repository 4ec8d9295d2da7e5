import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';

const CHUNK = 4 * 1_024 * 1_024;

/** How often `needle` is in the readable memory of another process. */
export function countIn(pid: number, needle: Uint8Array): number {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  let count = 0;
  for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const range = /^([0-9a-f]+)-([0-9a-f]+) r.{3} (?!.*\[v)/.exec(line);
    if (range === null) continue;
    const end = Number.parseInt(range[2]!, 16);
    for (let at = Number.parseInt(range[1]!, 16); at < end; at += CHUNK - needle.length + 1) {
      const chunk = Buffer.alloc(Math.min(CHUNK, end - at));
      const length = tryRead(memory, chunk, at);
      const read = chunk.subarray(0, length);
      for (
        let found = read.indexOf(needle);
        found !== -1;
        found = read.indexOf(needle, found + 1)
      ) {
        count++;
      }
    }
  }
  closeSync(memory);
  return count;
}

function tryRead(fd: number, chunk: Buffer, position: number): number {
  try {
    return readSync(fd, chunk, 0, chunk.length, position);
  } catch {
    return 0;
  }
}

/** The processes that `pid` has started and that still live, and theirs. */
export function descendantsOf(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) => {
    const text = readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  });
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}
