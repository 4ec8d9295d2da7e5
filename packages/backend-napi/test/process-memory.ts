import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** Random bytes to look for, and the two halves by which a child makes them without ever being told. */
export interface Marker {
  readonly bytes: Buffer;
  /** Hex of `masked` and of `mask`; their exclusive or is the marker. */
  readonly halves: readonly [string, string];
}

export function makeMarker(): Marker {
  const bytes = randomBytes(64);
  const mask = randomBytes(64);
  const masked = bytes.map((byte, index) => byte ^ (mask[index] as number));
  return { bytes, halves: [Buffer.from(masked).toString('hex'), mask.toString('hex')] };
}

/** JavaScript for a child: the marker, in a buffer of its own that is not on V8's moving heap. */
export function markerExpression({ halves: [masked, mask] }: Marker): string {
  return `(() => {
    const [a, b] = ['${masked}', '${mask}'].map((hex) => Buffer.from(hex, 'hex'));
    const bytes = new Uint8Array(new ArrayBuffer(64));
    for (let i = 0; i < 64; i++) bytes[i] = a[i] ^ b[i];
    return bytes;
  })()`;
}

/** The first locked mapping of a process; Node itself locks nothing. */
export function lockedMapping(pid: number): { readonly start: bigint; readonly name: string } {
  let header = '';
  for (const line of readFileSync(`/proc/${pid}/smaps`, 'latin1').split('\n')) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) header = line;
    if (/^VmFlags:.* lo\b/.test(line)) {
      const [range = '', , , , , ...name] = header.split(/\s+/);
      return { start: BigInt(`0x${range.split('-')[0]}`), name: name.join(' ') };
    }
  }
  throw new Error('no mapping of the process is locked');
}

/** Bytes of a stream, piece by piece; answers how many were put into the target. */
type Source = (target: Buffer, offset: number) => number;

function count(source: Source, marker: Marker): number {
  const chunk = Buffer.alloc(4 * 1024 * 1024 + marker.bytes.length);
  let found = 0;
  let kept = 0;
  for (;;) {
    const got = source(chunk, kept);
    if (got === 0) return found;
    const filled = chunk.subarray(0, kept + got);
    for (
      let at = filled.indexOf(marker.bytes);
      at >= 0;
      at = filled.indexOf(marker.bytes, at + 1)
    ) {
      found += 1;
    }
    // A marker may lie across two pieces; what is kept is too short to be counted twice.
    kept = Math.min(marker.bytes.length - 1, filled.length);
    filled.copy(chunk, 0, filled.length - kept);
  }
}

/** How often the marker occurs in a file, however large. */
export function occurrences(file: string, marker: Marker): number {
  const fd = openSync(file, 'r');
  try {
    return count(
      (target, offset) => readSync(fd, target, offset, target.length - offset, null),
      marker,
    );
  } finally {
    closeSync(fd);
  }
}

/** How often the marker occurs in the memory of a process, as far as root can read it: not in hidden regions. */
export function occurrencesInProcess(pid: number, marker: Marker): number {
  const fd = openSync(`/proc/${pid}/mem`, 'r');
  let found = 0;
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
      const [, from, to, rest = ''] = /^([0-9a-f]+)-([0-9a-f]+) (.*)/.exec(line) ?? [];
      if (from === undefined || to === undefined || /\[v|secretmem/.test(rest)) continue;
      let position = BigInt(`0x${from}`);
      const end = BigInt(`0x${to}`);
      found += count((target, offset) => {
        const left = Number(end - position);
        const got = left === 0 ? 0 : readAt(fd, target, offset, left, position);
        position += BigInt(got);
        return got;
      }, marker);
    }
    return found;
  } finally {
    closeSync(fd);
  }
}

/** Pages that cannot be read, such as reserved ones of V8, end their mapping. */
function readAt(fd: number, target: Buffer, offset: number, left: number, position: bigint) {
  try {
    return readSync(fd, target, offset, Math.min(left, target.length - offset), position);
  } catch {
    return 0;
  }
}
