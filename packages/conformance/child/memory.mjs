import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { PageMap } from './page-map.mjs';

/**
 * What Linux says of the memory of a process, this one or another. Everything is read from /proc; nothing is asked of a
 * backend. Addresses stay inside this folder and below 2^53, so numbers hold them exactly.
 *
 * @typedef {{ start: number, end: number, access: string, name: string, residentByteLength: number, lockedByteLength: number, flags: string[] }} Mapping
 * @typedef {{ masked: string, mask: string }} Marker both hexadecimal; the marker is their exclusive or
 */

/** Larger ranges without access are reservations of the engine, never regions. */
const closedByteLengthMax = 64 * 1024 * 1024;
const chunkByteLength = 4 * 1024 * 1024;
const pageByteLength = 4096;

/** @param {number | 'self'} pid @returns {Mapping[]} */
export function mappingsOf(pid) {
  return readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n').filter(Boolean).map(mappingOf);
}

/** As `mappingsOf`, with locks and flags. @param {number | 'self'} pid @returns {Mapping[]} */
export function detailedMappingsOf(pid) {
  /** @type {Mapping[]} */
  const mappings = [];
  for (const line of readFileSync(`/proc/${pid}/smaps`, 'latin1').split('\n')) {
    const last = mappings.at(-1);
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) mappings.push(mappingOf(line));
    else if (last !== undefined && line.startsWith('Rss:')) {
      last.residentByteLength = Number.parseInt(line.slice(4), 10) * 1024;
    } else if (last !== undefined && line.startsWith('Locked:')) {
      last.lockedByteLength = Number.parseInt(line.slice(7), 10) * 1024;
    } else if (last !== undefined && line.startsWith('VmFlags:')) {
      last.flags = line.slice(8).trim().split(' ');
    }
  }
  for (const mapping of mappings) mapping.lockedByteLength += uncountedIn(pid, mapping);
  return mappings;
}

/**
 * Bytes that cannot leave memory although the kernel says nothing of it. Some kernels (6.1) neither mark nor count the pages that they
 * have no mapping of. Those are known by what the kernel does: it refuses to read them, and has them in memory.
 * @param {number | 'self'} pid @param {Mapping} mapping
 */
function uncountedIn(pid, mapping) {
  if (!isHidden(mapping) || mapping.flags.includes('lo')) return 0;
  return readMemory(pid, mapping.start, 1) === undefined ? mapping.residentByteLength : 0;
}

/** @param {string} line @returns {Mapping} */
function mappingOf(line) {
  const [range = '', access = '', , , , ...name] = line.split(/\s+/);
  const [start = '0', end = '0'] = range.split('-');
  return {
    start: Number.parseInt(start, 16),
    end: Number.parseInt(end, 16),
    access,
    name: name.join(' '),
    residentByteLength: 0,
    lockedByteLength: 0,
    flags: [],
  };
}

/** Bytes that are locked, those that the kernel does not count included, the number of mappings, and the number of open descriptors.
 *  @param {number | 'self'} pid */
export function countsOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const locked = /^VmLck:\s+(\d+) kB$/m.exec(status)?.[1] ?? '0';
  const mappings = mappingsOf(pid);
  const uncounted = mappings.some(isHidden)
    ? detailedMappingsOf(pid).reduce((sum, mapping) => sum + uncountedIn(pid, mapping), 0)
    : 0;
  return {
    lockedByteLength: Number(locked) * 1024 + uncounted,
    mappings: mappings.length,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  };
}

/** What a backend has no business to change: limits, filters of core files, privileges. @param {number | 'self'} pid */
export function surroundingsOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const limits = readFileSync(`/proc/${pid}/limits`, 'latin1');
  /** @type {Record<string, string>} */
  const found = {
    'the filter of core files': readFileSync(`/proc/${pid}/coredump_filter`, 'latin1').trim(),
  };
  for (const name of ['CapEff', 'CapBnd', 'NoNewPrivs', 'Seccomp', 'SigCgt', 'SigIgn', 'Umask']) {
    found[name] = new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
  }
  for (const [, name = '', values = ''] of limits.matchAll(/^(Max [a-z ]+?)\s{2,}(.*?)\s*$/gm)) {
    found[name] = values.replace(/\s+/g, ' ');
  }
  return found;
}

/** Reads memory of a process, or says why it cannot be read. @param {number | 'self'} pid
 *  @param {number} address @param {number} byteLength @returns {Uint8Array | undefined} */
export function readMemory(pid, address, byteLength) {
  const bytes = new Uint8Array(new ArrayBuffer(byteLength));
  const descriptor = openSync(`/proc/${pid}/mem`, 'r');
  try {
    return readSync(descriptor, bytes, 0, byteLength, address) === byteLength ? bytes : undefined;
  } catch (error) {
    // EIO is what the kernel answers for memory that even it has no mapping of.
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EIO') return undefined;
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Addresses at which the marker stands in the memory of a process, closed pages included. The marker itself is never
 * assembled here: a prefix is searched and the rest compared byte by byte with the two halves, so that the search does
 * not find itself.
 *
 * @param {number | 'self'} pid @param {Marker} marker @param {number} [hitsMax] stop at so many
 * @returns {number[]}
 */
export function findMarker(pid, marker, hitsMax = 100) {
  const needle = needleOf(marker);
  const descriptor = openSync(`/proc/${pid}/mem`, 'r');
  const pageMap = new PageMap(pid);
  const chunk = Buffer.alloc(chunkByteLength + needle.masked.length - 1);
  /** @type {number[]} */
  const hits = [];
  try {
    // Small mappings first: regions are small, and a search for one region ends with the first hit.
    const mappings = mappingsOf(pid)
      .filter(isSearched)
      .sort((left, right) => left.end - left.start - (right.end - right.start));
    for (const mapping of mappings) {
      for (const range of pageMap.populated(mapping)) {
        searchRange(descriptor, range, needle, chunk, hits, hitsMax);
      }
      if (hits.length >= hitsMax) break;
    }
  } finally {
    chunk.fill(0);
    pageMap.close();
    closeSync(descriptor);
  }
  return hits;
}

/** @param {Mapping} mapping */
function isSearched({ start, end, access, name }) {
  if (name.startsWith('[v')) return false;
  return access.startsWith('r') || end - start <= closedByteLengthMax;
}

/** @param {Marker} marker */
export function needleOf(marker) {
  const masked = Buffer.from(marker.masked, 'hex');
  const mask = Buffer.from(marker.mask, 'hex');
  const prefix = Buffer.alloc(4);
  for (let index = 0; index < 4; index += 1) prefix[index] = at(masked, index) ^ at(mask, index);
  return { masked, mask, prefix };
}

/** @param {Uint8Array} bytes @param {number} index */
function at(bytes, index) {
  return bytes[index] ?? 0;
}

/**
 * @param {number} descriptor @param {{ start: number, end: number }} range @param {ReturnType<typeof needleOf>} needle
 * @param {Buffer} chunk @param {number[]} hits @param {number} hitsMax
 */
function searchRange(descriptor, { start, end }, needle, chunk, hits, hitsMax) {
  const overlap = needle.masked.length - 1;
  let position = start;
  while (position < end && hits.length < hitsMax) {
    const wanted = Math.min(chunk.length, end - position);
    let got = 0;
    try {
      got = readSync(descriptor, chunk, 0, wanted, position);
    } catch {
      // A page that cannot be read holds nothing that anybody could find; go on with the next.
    }
    if (got === 0) {
      position += pageByteLength;
      continue;
    }
    for (const offset of offsetsIn(chunk.subarray(0, got), needle)) hits.push(position + offset);
    if (position + got >= end) return;
    position += Math.max(got - overlap, 1);
  }
}

/** Where the marker stands in some bytes. @param {Buffer} bytes @param {ReturnType<typeof needleOf>} needle */
export function offsetsIn(bytes, needle) {
  /** @type {number[]} */
  const offsets = [];
  const { masked, mask, prefix } = needle;
  for (
    let offset = bytes.indexOf(prefix);
    offset !== -1 && offset + masked.length <= bytes.length;
    offset = bytes.indexOf(prefix, offset + 1)
  ) {
    let same = 4;
    while (
      same < masked.length &&
      at(bytes, offset + same) === (at(masked, same) ^ at(mask, same))
    ) {
      same += 1;
    }
    if (same === masked.length) offsets.push(offset);
  }
  return offsets;
}

/**
 * What the kernel says of one range of addresses, now or when `all` was recorded. A range may lie in several mappings: what
 * holds of it holds of every piece. @param {number | 'self'} pid
 * @param {number} start @param {number} byteLength @param {Mapping[]} [all]
 */
export function factsOf(pid, start, byteLength, all = detailedMappingsOf(pid)) {
  const end = start + byteLength;
  const parts = all.filter((mapping) => mapping.start < end && start < mapping.end);
  const covered = parts.reduce(
    (sum, part) => sum + Math.min(part.end, end) - Math.max(part.start, start),
    0,
  );
  const accesses = new Set(parts.map((part) => part.access.slice(0, 3)));
  /** @param {string} flag */
  const everywhere = (flag) => parts.length > 0 && parts.every((part) => part.flags.includes(flag));
  return {
    mapped: covered === byteLength,
    lockedByteLength: parts.reduce((sum, part) => sum + lockedIn(part, start, end), 0),
    protection: accesses.size === 1 ? protectionOf([...accesses][0] ?? '') : 'mixed',
    guardBefore: isGuard(pid, all, start - pageByteLength),
    guardAfter: isGuard(pid, all, end),
    dumpExcluded: everywhere('dd'),
    forkBehaviour: everywhere('dc') ? 'absent' : everywhere('wf') ? 'zeroed' : 'inherited',
  };
}

/**
 * A page that kills: one without access, or one that is open on paper and that the kernel itself finds nothing behind, as it
 * does behind a guard marker (MADV_GUARD_INSTALL). Memory that is hidden from the kernel reads the same and kills nobody.
 * @param {number | 'self'} pid @param {Mapping[]} all @param {number} address
 */
function isGuard(pid, all, address) {
  const mapping = all.find(({ start, end }) => start <= address && address < end);
  if (mapping === undefined || mapping.name.startsWith('[v')) return false;
  if (mapping.access.startsWith('---')) return true;
  return !isHidden(mapping) && readMemory(pid, address, 1) === undefined;
}

/** @param {Mapping} mapping */
function isHidden({ name }) {
  return name.startsWith('/secretmem');
}

/** @param {Mapping} part @param {number} start @param {number} end */
function lockedIn(part, start, end) {
  return Math.min(part.lockedByteLength, Math.min(part.end, end) - Math.max(part.start, start));
}

/** Pages that can be executed are nothing that a backend may give. @param {string} access */
function protectionOf(access) {
  return { 'rw-': 'read-write', 'r--': 'read-only', '---': 'no-access' }[access] ?? 'executable';
}

/**
 * The first byte of a region of `byteLength` bytes that begins with the marker, or undefined when no memory shows it. A region
 * begins with a page, and is found whole where several mappings make it up; where a part of it is missing, so be it.
 * @param {number | 'self'} pid @param {Marker} marker @param {number} byteLength
 */
export function locateMarked(pid, marker, byteLength) {
  const mappings = mappingsOf(pid);
  /** @param {number} address */
  const begins = (address) => address % pageByteLength === 0;
  /** @param {number} address */
  const whole = (address) => endOfRun(mappings, address) >= address + byteLength;
  // Nearly always the first hit is the region, and the search of all memory is spared.
  const first = findMarker(pid, marker, 1).find((address) => begins(address) && whole(address));
  if (first !== undefined) return first;
  const hits = findMarker(pid, marker);
  return (
    hits.find((address) => begins(address) && whole(address)) ??
    hits.find(whole) ??
    hits.find(begins)
  );
}

/** Where the mappings that follow each other without a gap from this address on end.
 *  @param {Mapping[]} mappings in the order of addresses @param {number} address */
function endOfRun(mappings, address) {
  let end = address;
  for (const mapping of mappings) {
    if (mapping.start <= end && end < mapping.end) end = mapping.end;
  }
  return end;
}

/**
 * Runs of memory that the kernel itself has no mapping of, of exactly this size: their content cannot be searched. A run may
 * be made of several mappings.
 * @param {number | 'self'} pid @param {number} byteLength
 */
export function hiddenMappingsOf(pid, byteLength) {
  /** @type {{ start: number, end: number, access: string }[]} */
  const runs = [];
  for (const { start, end, access } of mappingsOf(pid).filter(isHidden)) {
    const last = runs.at(-1);
    if (last === undefined || last.end !== start) runs.push({ start, end, access });
    else Object.assign(last, { end, access: `${last.access} ${access}` });
  }
  return runs
    .filter(({ start, end }) => end - start === byteLength)
    .map(({ start, access }) => ({ start, access }));
}
