import { closeSync, openSync, readSync } from 'node:fs';

const pageByteLength = 4096;
const entryByteLength = 8;
/** One read answers for 256 MiB. */
const entriesMax = 65_536;
/** Bits 63 and 62 of an entry, in its last byte: the page is in memory, or in swap. */
const populated = 0xc0;

/**
 * Which pages of a process hold anything (/proc/PID/pagemap). An engine may reserve gigabytes, and reading a page that nobody
 * ever wrote makes the kernel provide it: a search of such a process would fill the memory of the machine with zeros.
 *
 * Where the kernel has no page map, every page counts as one that may hold something.
 */
export class PageMap {
  /** @type {number | undefined} */
  #descriptor;
  #entries = Buffer.alloc(entriesMax * entryByteLength);

  /** @param {number | 'self'} pid */
  constructor(pid) {
    try {
      this.#descriptor = openSync(`/proc/${pid}/pagemap`, 'r');
    } catch {
      this.#descriptor = undefined;
    }
  }

  /**
   * Ranges of a mapping that may hold something, in the order of addresses. Files and shared memory have content that is not
   * mapped yet, so they are one range.
   * @param {import('./memory.mjs').Mapping} mapping @returns {Generator<{ start: number, end: number }>}
   */
  *populated(mapping) {
    if (this.#descriptor === undefined || !isPrivateMemory(mapping)) {
      yield mapping;
      return;
    }
    let start = -1;
    for (let address = mapping.start; address < mapping.end; ) {
      const entries = this.#read(address, mapping.end);
      // What the kernel does not tell may hold something.
      const count = entries?.length ?? 1;
      for (let index = 0; index < count; index += 1, address += pageByteLength) {
        const holds = entries === undefined || (entries[index] ?? 0) !== 0;
        if (holds && start < 0) start = address;
        if (holds || start < 0) continue;
        yield { start, end: address };
        start = -1;
      }
    }
    if (start >= 0) yield { start, end: mapping.end };
  }

  close() {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
  }

  /** Of each page whether it holds anything. @param {number} address @param {number} end */
  #read(address, end) {
    const wanted = Math.min(entriesMax, (end - address) / pageByteLength) * entryByteLength;
    const position = (address / pageByteLength) * entryByteLength;
    const got = readSync(Number(this.#descriptor), this.#entries, 0, wanted, position);
    if (got < entryByteLength) return undefined;
    return Uint8Array.from(
      { length: Math.floor(got / entryByteLength) },
      (_, index) => (this.#entries[index * entryByteLength + 7] ?? 0) & populated,
    );
  }
}

/** @param {import('./memory.mjs').Mapping} mapping */
function isPrivateMemory({ access, name }) {
  return access.endsWith('p') && (name === '' || /^\[(heap|stack|anon:)/.test(name));
}
