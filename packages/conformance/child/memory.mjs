import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';

/**
 * What Linux says of the memory of a process, this one or another. Everything is read from /proc; nothing is asked of a
 * backend. Addresses stay inside this folder and below 2^53, so numbers hold them exactly.
 *
 * @typedef {{ start: number, end: number, access: string, name: string, lockedByteLength: number, flags: string[] }} Mapping
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
    else if (last !== undefined && line.startsWith('Locked:')) {
      last.lockedByteLength = Number.parseInt(line.slice(7), 10) * 1024;
    } else if (last !== undefined && line.startsWith('VmFlags:')) {
      last.flags = line.slice(8).trim().split(' ');
    }
  }
  return mappings;
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
    lockedByteLength: 0,
    flags: [],
  };
}

/** Bytes that the kernel says are locked, the number of mappings, and the number of open descriptors.
 *  @param {number | 'self'} pid */
export function countsOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const locked = /^VmLck:\s+(\d+) kB$/m.exec(status)?.[1] ?? '0';
  return {
    lockedByteLength: Number(locked) * 1024,
    mappings: readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n').length - 1,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  };
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
  const chunk = Buffer.alloc(chunkByteLength + needle.masked.length - 1);
  /** @type {number[]} */
  const hits = [];
  try {
    // Small mappings first: regions are small, and a search for one region ends with the first hit.
    const mappings = mappingsOf(pid)
      .filter(isSearched)
      .sort((left, right) => left.end - left.start - (right.end - right.start));
    for (const mapping of mappings) {
      searchMapping(descriptor, mapping, needle, chunk, hits, hitsMax);
      if (hits.length >= hitsMax) break;
    }
  } finally {
    chunk.fill(0);
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
 * @param {number} descriptor @param {Mapping} mapping @param {ReturnType<typeof needleOf>} needle
 * @param {Buffer} chunk @param {number[]} hits @param {number} hitsMax
 */
function searchMapping(descriptor, mapping, needle, chunk, hits, hitsMax) {
  const overlap = needle.masked.length - 1;
  let position = mapping.start;
  while (position < mapping.end && hits.length < hitsMax) {
    const wanted = Math.min(chunk.length, mapping.end - position);
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
    if (position + got >= mapping.end) return;
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
 * What the kernel says of one range of addresses. @param {number | 'self'} pid
 * @param {number} start @param {number} byteLength
 */
export function factsOf(pid, start, byteLength) {
  const end = start + byteLength;
  const all = detailedMappingsOf(pid);
  const parts = all.filter((mapping) => mapping.start < end && start < mapping.end);
  const covered = parts.reduce(
    (sum, part) => sum + Math.min(part.end, end) - Math.max(part.start, start),
    0,
  );
  const accesses = new Set(parts.map((part) => part.access.slice(0, 2)));
  /** @param {number} address */
  const closedAt = (address) =>
    all.some((m) => m.start <= address && address < m.end && m.access.startsWith('---'));
  /** @param {string} flag */
  const everywhere = (flag) => parts.length > 0 && parts.every((part) => part.flags.includes(flag));
  return {
    mapped: covered === byteLength,
    lockedByteLength: parts.reduce((sum, part) => sum + lockedIn(part, start, end), 0),
    protection: accesses.size === 1 ? protectionOf([...accesses][0] ?? '') : 'mixed',
    guardBefore: closedAt(start - 1),
    guardAfter: closedAt(end),
    dumpExcluded: everywhere('dd'),
    forkBehaviour: everywhere('dc') ? 'absent' : everywhere('wf') ? 'zeroed' : 'inherited',
  };
}

/** @param {Mapping} part @param {number} start @param {number} end */
function lockedIn(part, start, end) {
  return Math.min(part.lockedByteLength, Math.min(part.end, end) - Math.max(part.start, start));
}

/** @param {string} access */
function protectionOf(access) {
  return { rw: 'read-write', 'r-': 'read-only', '--': 'no-access' }[access] ?? 'mixed';
}

/**
 * The first byte of a region of `byteLength` bytes that begins with the marker, or undefined when no memory shows it.
 * @param {number | 'self'} pid @param {Marker} marker @param {number} byteLength
 */
export function locateMarked(pid, marker, byteLength) {
  const mappings = mappingsOf(pid);
  /** @param {number} address */
  const fits = (address) =>
    mappings.some((m) => m.start <= address && address + byteLength <= m.end);
  // Nearly always the first hit is the region, and the search of all memory is spared.
  return findMarker(pid, marker, 1).find(fits) ?? findMarker(pid, marker).find(fits);
}

/**
 * Mappings of memory that the kernel itself has no mapping of, of exactly this size: their content cannot be searched.
 * @param {number | 'self'} pid @param {number} byteLength
 */
export function hiddenMappingsOf(pid, byteLength) {
  return mappingsOf(pid)
    .filter(({ name, start, end }) => name.startsWith('/secretmem') && end - start === byteLength)
    .map(({ start, access }) => ({ start, access }));
}
