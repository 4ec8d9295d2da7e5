import { closeSync, openSync, readSync } from 'node:fs';
import { offsetsIn } from './count.mjs';

/** elf(5): kinds of program headers. */
const LOAD = 1;
const NOTE = 4;

/**
 * Where a byte string stands in a core file of a 64-bit process: the name of the mapping, `registers` for what the kernel noted of the threads,
 * and `unknown` for nothing of that.
 * @param {string} file @param {Readonly<Record<string, Uint8Array>>} needles @param {string} mappings as /proc/self/maps said
 * @returns {string[]}
 */
export function hitsIn(file, needles, mappings) {
  const segments = segmentsOf(file);
  return Object.values(needles).flatMap((needle) =>
    offsetsIn(file, needle).map((offset) => {
      const segment = segments.find(({ from, to }) => from <= offset && offset < to);
      if (segment === undefined) return 'unknown';
      if (segment.type === NOTE) return 'registers';
      return nameOf(segment.address + (offset - segment.from), mappings);
    }),
  );
}

/** @param {string} file */
function segmentsOf(file) {
  const header = readAt(file, 0, 64);
  const count = header.readUInt16LE(56);
  const size = header.readUInt16LE(54);
  const table = readAt(file, Number(header.readBigUInt64LE(32)), count * size);
  return Array.from({ length: count }, (_, index) => {
    const at = index * size;
    const from = Number(table.readBigUInt64LE(at + 8));
    return {
      type: table.readUInt32LE(at),
      from,
      to: from + Number(table.readBigUInt64LE(at + 32)),
      address: Number(table.readBigUInt64LE(at + 16)),
    };
  }).filter(({ type }) => type === LOAD || type === NOTE);
}

/** @param {string} file @param {number} position @param {number} byteLength */
function readAt(file, position, byteLength) {
  const bytes = Buffer.alloc(byteLength);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, bytes, 0, byteLength, position);
    return bytes;
  } finally {
    closeSync(descriptor);
  }
}

/** What has no name of its own is memory that somebody asked the kernel for. @param {number} address @param {string} mappings */
function nameOf(address, mappings) {
  for (const line of mappings.split('\n')) {
    const [range = '', , , , , name = ''] = line.split(/\s+/);
    const [start = NaN, end = NaN] = range.split('-').map((text) => Number.parseInt(text, 16));
    if (start <= address && address < end) return name === '' ? 'anonymous memory' : name;
  }
  return 'memory that was mapped later';
}
