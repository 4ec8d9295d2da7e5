/**
 * Finds verbatim copies of a random marker in the memory of a process, through `/proc/<pid>/mem` (Linux).
 *
 * A scan must not find itself. So the marker is never kept: two random masks are, whose exclusive or it is, outside V8's
 * moving heap. The scan looks for four bytes of it and compares the rest against the masks byte by byte. What it read may
 * then lie in its own read buffer; so every hit is looked up once more after that buffer was wiped.
 *
 * A copy that was freed without being wiped has lost its first bytes to the lists of the allocator. Of a marker that is
 * long enough the first 16 bytes are therefore not looked at: what is left of such a copy is found as well.
 */
import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

const CHUNK_BYTE_LENGTH = 4 * 1024 * 1024;
const NEEDLE_BYTE_LENGTH = 4;
/** What glibc writes into a small block that is freed: two pointers. */
const LOST_BYTE_LENGTH = 16;
/** Fewer bytes may turn up by chance. */
const BYTE_LENGTH_MIN = 16;

/** Read into by every scan, one after the other: a new one for each would make the collector run and free evidence. */
const chunk = Buffer.from(new ArrayBuffer(CHUNK_BYTE_LENGTH));

/** @type {import('./memory-scan.d.mts').createMarker} */
export function createMarker(byteLength = 32) {
  return markerOfMasks(randomFillSync(offHeap(byteLength)), randomFillSync(offHeap(byteLength)));
}

/** @type {import('./memory-scan.d.mts').markerOf} */
export function markerOf(bytes) {
  const mask = randomFillSync(offHeap(bytes.length));
  const masked = offHeap(bytes.length);
  for (let i = 0; i < bytes.length; i++) masked[i] = Number(bytes[i]) ^ Number(mask[i]);
  return markerOfMasks(masked, mask);
}

/** @type {import('./memory-scan.d.mts').markerFromMasked} */
export function markerFromMasked(text) {
  const [masked, mask] = text.split(':').map((hex) => Buffer.from(hex, 'hex'));
  if (masked === undefined || mask === undefined || masked.length !== mask.length) {
    throw new TypeError('a masked marker is two hexadecimal texts of one length');
  }
  return markerOfMasks(offHeap(masked.length, masked), offHeap(mask.length, mask));
}

/** @param {number} byteLength @param {Uint8Array} [source] */
function offHeap(byteLength, source) {
  const bytes = new Uint8Array(new ArrayBuffer(byteLength));
  if (source !== undefined) bytes.set(source);
  return bytes;
}

/** @param {Uint8Array} masked @param {Uint8Array} mask @returns {import('./memory-scan.d.mts').Marker} */
function markerOfMasks(masked, mask) {
  const byteLength = masked.length;
  if (byteLength < BYTE_LENGTH_MIN) {
    throw new RangeError(`a marker under ${BYTE_LENGTH_MIN} bytes may turn up by chance`);
  }
  /** @param {number} index */
  const at = (index) => Number(masked[index]) ^ Number(mask[index]);
  /** @type {import('./memory-scan.d.mts').Marker['fill']} */
  const fill = (bytes) => {
    for (let i = 0; i < byteLength; i++) bytes[i] = at(i);
    return bytes;
  };
  const lost = byteLength < LOST_BYTE_LENGTH + BYTE_LENGTH_MIN ? 0 : LOST_BYTE_LENGTH;
  /** @type {import('./memory-scan.d.mts').Marker['find']} */
  const find = (options = {}) => scan(byteLength - lost, (i) => at(lost + i), options);
  return {
    byteLength,
    fill,
    find,
    count: (options) => find(options).length,
    plant: () => {
      const bytes = fill(new Uint8Array(new ArrayBuffer(byteLength)));
      return { bytes, wipe: () => void bytes.fill(0) };
    },
    masked: () => `${Buffer.from(masked).toString('hex')}:${Buffer.from(mask).toString('hex')}`,
    reversed: () => markerOfMasks(reverse(masked), reverse(mask)),
    asText: (encoding) => textMarker(byteLength, at, encoding),
  };
}

/** @param {Uint8Array} bytes */
function reverse(bytes) {
  return offHeap(bytes.length, bytes).reverse();
}

const ALPHABET = {
  hex: '0123456789abcdef',
  base64: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
  base64url: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
};

/**
 * The marker as its encoded text, masked as well: no byte of the text is put next to another.
 * @param {number} byteLength @param {(index: number) => number} at @param {keyof typeof ALPHABET} encoding
 */
function textMarker(byteLength, at, encoding) {
  const bits = encoding === 'hex' ? 4 : 6;
  const length = Math.ceil((byteLength * 8) / bits);
  const padding = encoding === 'base64' ? (4 - (length % 4)) % 4 : 0;
  const mask = randomFillSync(offHeap(length + padding));
  const masked = offHeap(length + padding);
  for (let i = 0; i < length; i++) {
    const bit = i * bits;
    const byte = bit >>> 3;
    const pair = (at(byte) << 8) | (byte + 1 < byteLength ? at(byte + 1) : 0);
    const digit = (pair >>> (16 - bits - (bit & 7))) & ((1 << bits) - 1);
    masked[i] = ALPHABET[encoding].charCodeAt(digit) ^ Number(mask[i]);
  }
  for (let i = length; i < masked.length; i++) masked[i] = '='.charCodeAt(0) ^ Number(mask[i]);
  return markerOfMasks(masked, mask);
}

/**
 * @param {number} byteLength @param {(index: number) => number} at
 * @param {import('./memory-scan.d.mts').ScanOptions} options
 * @returns {import('./memory-scan.d.mts').Hit[]}
 */
function scan(byteLength, at, { pid = 'self', closedPages = false }) {
  const needle = offHeap(NEEDLE_BYTE_LENGTH);
  for (let i = 0; i < NEEDLE_BYTE_LENGTH; i++) needle[i] = at(i);
  const descriptor = openSync(`/proc/${pid}/mem`, 'r');
  try {
    /** @type {{ address: bigint, mapping: Mapping }[]} */
    const candidates = [];
    for (const mapping of mappingsOf(pid, closedPages)) {
      for (const address of hitsIn(mapping, { descriptor, needle, byteLength, at })) {
        candidates.push({ address, mapping });
      }
    }
    chunk.fill(0);
    return candidates
      .filter(({ address }) => {
        const found = readAt(descriptor, address, byteLength) === byteLength;
        const same = found && matches(chunk, 0, byteLength, at);
        chunk.fill(0, 0, byteLength);
        return same;
      })
      .map(({ mapping: { permissions, path, locked } }) => ({ permissions, path, locked }));
  } finally {
    needle.fill(0);
    chunk.fill(0);
    closeSync(descriptor);
  }
}

/** @typedef {{ start: bigint, end: bigint, permissions: string, path: string, locked: boolean }} Mapping */
/** @typedef {{ descriptor: number, needle: Uint8Array, byteLength: number, at: (index: number) => number }} Search */

/** @param {Mapping} mapping @param {Search} search */
function* hitsIn(mapping, { descriptor, needle, byteLength, at }) {
  const step = BigInt(CHUNK_BYTE_LENGTH - byteLength + 1);
  for (let start = mapping.start; start < mapping.end; start += step) {
    const rest = mapping.end - start;
    const wanted = rest < BigInt(CHUNK_BYTE_LENGTH) ? Number(rest) : CHUNK_BYTE_LENGTH;
    const read = readAt(descriptor, start, wanted);
    if (read < byteLength) return;
    const bytes = chunk.subarray(0, read);
    for (let i = bytes.indexOf(needle); i >= 0; i = bytes.indexOf(needle, i + 1)) {
      if (i + byteLength <= read && matches(bytes, i, byteLength, at)) yield start + BigInt(i);
    }
  }
}

/** @param {Uint8Array} bytes @param {number} start @param {number} length @param {(index: number) => number} at */
function matches(bytes, start, length, at) {
  let difference = 0;
  for (let i = 0; i < length; i++) difference |= Number(bytes[start + i]) ^ at(i);
  return difference === 0;
}

/**
 * Reads to the beginning of the chunk. 0 where the kernel lets nobody read: memfd_secret, device memory.
 * @param {number} descriptor @param {bigint} address @param {number} byteLength
 */
function readAt(descriptor, address, byteLength) {
  try {
    return readSync(descriptor, chunk, 0, byteLength, address);
  } catch {
    return 0;
  }
}

/**
 * The mappings that may hold anything. Pages without access are read only when asked for, and only where something is
 * resident: the engine reserves address space by the gigabyte.
 * @param {number | 'self'} pid @param {boolean} closedPages
 */
export function* mappingsOf(pid, closedPages) {
  const blocks = readFileSync(`/proc/${pid}/smaps`, 'latin1').split(/^(?=[\da-f]+-[\da-f]+ )/m);
  for (const block of blocks) {
    const found = /^([\da-f]+)-([\da-f]+) (\S+) \S+ \S+ \S+ *(.*)/.exec(block);
    if (found === null) continue;
    const [, start, end, permissions = '', path = ''] = found;
    if (path.startsWith('[v')) continue;
    // Programs and libraries as they are on the disk: nobody has ever written there.
    if (path.startsWith('/') && !permissions.includes('w')) continue;
    const resident = Number(/^Rss: +(\d+)/m.exec(block)?.[1] ?? 0);
    if (!permissions.startsWith('r') && (!closedPages || resident === 0)) continue;
    const locked = /^VmFlags:.*\blo\b/m.test(block);
    yield { start: BigInt(`0x${start}`), end: BigInt(`0x${end}`), permissions, path, locked };
  }
}
