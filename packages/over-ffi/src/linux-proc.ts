import { closeSync, openSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import type { ForkBehaviour, Protection, RegionFacts } from '@securemem/core/contract';
import type { Span } from './system.js';

/** What the kernel calls the pages that it has no mapping of. */
const HIDDEN = '/secretmem (deleted)';

/** Text of a file of `/proc`, or undefined where it cannot be read. */
export function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

/** Large enough for few system calls, small enough to come from the C heap: at the mapping limit nothing else is to be had. */
const CHUNK_BYTE_LENGTH = 32_768;

/**
 * A file of `/proc`, a piece at a time; each piece is valid until the next. These files grow with the mappings, to tens of
 * megabytes, and reading one whole asks the engine for large pages, which aborts the process exactly when the mappings are
 * exhausted.
 */
function* chunksOf(path: string): Generator<Buffer> {
  const chunk = Buffer.alloc(CHUNK_BYTE_LENGTH);
  const descriptor = openSync(path, 'r');
  try {
    for (;;) {
      const length = readSync(descriptor, chunk, 0, chunk.byteLength, null);
      if (length === 0) return;
      yield chunk.subarray(0, length);
    }
  } finally {
    closeSync(descriptor);
  }
}

/** The lines of a file of `/proc`, read as above. */
export function* linesOf(path: string): Generator<string> {
  let rest = '';
  for (const chunk of chunksOf(path)) {
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

/** How many mappings this process has. Milliseconds when there are tens of thousands. */
export function mappingsNow(): number | 'unknown' {
  try {
    let count = 0;
    for (const chunk of chunksOf('/proc/self/maps')) {
      for (const byte of chunk) if (byte === 0x0a) count += 1;
    }
    return count;
  } catch {
    return 'unknown';
  }
}

/** Bytes of hidden pages in the lines of a maps file, whoever mapped them. */
export function hiddenByteLengthOf(lines: Iterable<string>): number {
  let byteLength = 0;
  for (const line of lines) {
    if (!line.endsWith(HIDDEN)) continue;
    const [start = 0, end = 0] = line.split(/[- ]/, 2).map((text) => Number.parseInt(text, 16));
    byteLength += end - start;
  }
  return byteLength;
}

/** Whether a mapping in these lines begins and ends exactly there. */
export function isOneMapping(lines: Iterable<string>, base: bigint, byteLength: number): boolean {
  const range = `${hex(base)}-${hex(base + BigInt(byteLength))} `;
  for (const line of lines) if (line.startsWith(range)) return true;
  return false;
}

/** As the kernel prints addresses: eight digits at least. */
function hex(address: bigint): string {
  return address.toString(16).padStart(8, '0');
}

export function mappingsMaxNow(): number | 'unknown' {
  const text = textOf('/proc/sys/vm/max_map_count');
  return text === undefined ? 'unknown' : Number(text);
}

/** `VmLck` of a status text in bytes; the kernel prints kB. */
export function lockedBytesOf(status: string): number | 'unknown' {
  const match = /^VmLck:\s+(\d+) kB$/m.exec(status);
  return match === null ? 'unknown' : Number(match[1]) * 1024;
}

/** The first user namespace; the number is fixed in the kernel (`PROC_USER_INIT_INO` in its include/linux/proc_ns.h). */
const FIRST_USER_NAMESPACE = 'user:[4026531837]';

let inFirst: boolean | undefined;

/**
 * Whether this process is in the first user namespace: in any other, such as that of a rootless container, a capability shows
 * as effective and limits bite all the same. The map of user ids does not tell them apart, since another namespace may map
 * every id to itself. False where it cannot be read. A process with several threads cannot change its namespace, so it is
 * asked once.
 */
export function inFirstUserNamespace(): boolean {
  if (inFirst === undefined) {
    try {
      inFirst = readlinkSync('/proc/self/ns/user') === FIRST_USER_NAMESPACE;
    } catch {
      inFirst = false;
    }
  }
  return inFirst;
}

export interface Mapping {
  readonly start: number;
  readonly end: number;
  readonly permissions: string;
  /** The file that is mapped; empty for anonymous memory. */
  readonly name: string;
  readonly residentByteLength: number;
  readonly lockedByteLength: number;
  readonly flags: readonly string[];
}

/** Addresses of user space are below 2^57 and multiples of the page, so a double holds them exactly. */
const HEADER = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+ *(.*)$/;

/** The mappings in the lines of an smaps file, in the order of the kernel, which is by address. */
export function mappingsOf(lines: Iterable<string>): Mapping[] {
  const mappings: Mapping[] = [];
  let header: RegExpExecArray | null = null;
  let residentByteLength = 0;
  let lockedByteLength = 0;
  for (const line of lines) {
    if (line.startsWith('VmFlags:')) {
      if (header === null) continue;
      mappings.push({
        start: Number.parseInt(header[1] as string, 16),
        end: Number.parseInt(header[2] as string, 16),
        permissions: header[3] as string,
        name: header[4] as string,
        residentByteLength,
        lockedByteLength,
        flags: line.slice('VmFlags:'.length).trim().split(' '),
      });
      header = null;
    } else if (line.startsWith('Locked:')) {
      lockedByteLength = Number.parseInt(line.slice('Locked:'.length), 10) * 1024;
    } else if (line.startsWith('Rss:')) {
      residentByteLength = Number.parseInt(line.slice('Rss:'.length), 10) * 1024;
    } else if (header === null) {
      header = HEADER.exec(line);
    }
  }
  return mappings;
}

/** The first three letters of the permissions, from the strongest protection to the weakest. */
const PROTECTIONS: readonly string[] = ['---', 'r--', 'rw-'];
const LEVELS: readonly Protection[] = ['no-access', 'read-only', 'read-write'];

/** From the strongest to the weakest: of several parts of a region the weakest speaks for all. */
const FORK_BEHAVIOURS = ['absent', 'zeroed', 'inherited'] as const;

function forkBehaviourOf(flags: readonly string[]): ForkBehaviour {
  if (flags.includes('dc')) return 'absent';
  return flags.includes('wf') ? 'zeroed' : 'inherited';
}

/** The index of the mapping that has `address`, or -1. */
function indexOf(mappings: readonly Mapping[], address: number): number {
  let low = 0;
  let high = mappings.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const mapping = mappings[middle] as Mapping;
    if (address < mapping.start) high = middle - 1;
    else if (address >= mapping.end) low = middle + 1;
    else return middle;
  }
  return -1;
}

/**
 * The bytes of a mapping that cannot leave memory. Hidden pages never do, and some kernels (6.1) neither mark nor count them
 * as locked: there it is those that have been brought in.
 */
function lockedOf(part: Mapping, hidden: boolean): number {
  if (part.flags.includes('lo')) return part.lockedByteLength;
  return hidden && part.name === HIDDEN ? part.residentByteLength : 0;
}

/** The mappings that cover a span without a gap; empty where there is one. */
function partsOf(mappings: readonly Mapping[], start: number, end: number): Mapping[] {
  const parts: Mapping[] = [];
  let reached = start;
  for (let index = indexOf(mappings, start); reached < end; index += 1) {
    const mapping = mappings[index];
    if (mapping === undefined || mapping.start > reached) return [];
    parts.push(mapping);
    reached = mapping.end;
  }
  return parts;
}

/** Whether the kernel marks every part of a span as locked, and so counts it. */
export function isCounted(mappings: readonly Mapping[], { address, byteLength }: Span): boolean {
  const start = Number(address);
  return partsOf(mappings, start, start + byteLength).every(({ flags }) => flags.includes('lo'));
}

/**
 * The facts of one region. The backend treats a region as a whole and its guards have other flags, so it is one mapping of
 * exactly its size. Where somebody else changed a part of it there are several: then the locked bytes are added up, and in
 * everything else the weakest part speaks. `hidden` regions are made of memfd_secret.
 */
export function factsOf(
  mappings: readonly Mapping[],
  span: Span,
  hidden: boolean,
): RegionFacts | 'unknown' {
  const start = Number(span.address);
  const end = start + span.byteLength;
  const parts = partsOf(mappings, start, end);
  const levels = parts.map(({ permissions }) => PROTECTIONS.indexOf(permissions.slice(0, 3)));
  if (parts.length === 0 || levels.includes(-1)) return 'unknown';
  let locked = 0;
  for (const part of parts) {
    const overlap = Math.min(part.end, end) - Math.max(part.start, start);
    locked += Math.min(lockedOf(part, hidden), overlap);
  }
  const forks = parts.map(({ flags }) => FORK_BEHAVIOURS.indexOf(forkBehaviourOf(flags)));
  const guards = [mappings[indexOf(mappings, start - 1)], mappings[indexOf(mappings, end)]];
  return {
    lockedByteLength: locked,
    protection: LEVELS[Math.max(...levels)] as Protection,
    guarded: guards.every((guard) => guard?.permissions.startsWith('---') === true),
    dumpExcluded: parts.every(({ flags }) => flags.includes('dd')),
    forkBehaviour: FORK_BEHAVIOURS[Math.max(...forks)] as ForkBehaviour,
  };
}
