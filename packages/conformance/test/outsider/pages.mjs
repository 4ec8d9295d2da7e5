import * as libc from './libc.mjs';

/**
 * The mechanism of a backend written from the documentation alone, one step per method: a bug replaces one step. Each step
 * gives 0, or the number of the error.
 */
const ACCESS = {
  'no-access': libc.NONE,
  'read-only': libc.READ,
  'read-write': libc.READ | libc.WRITE,
};

/**
 * @typedef {{ base: number, start: number, byteLength: number, total: number,
 *   protection: 'no-access' | 'read-only' | 'read-write', views: number }} Region
 */

export class Pages {
  /** One guard before, one behind, no access at all as yet. @param {number} byteLength */
  reserve(byteLength) {
    const total = byteLength + 2 * libc.PAGE;
    const { start: base, errno } = libc.reserve(total);
    if (base === undefined) return { errno };
    /** @type {Region} */
    const region = {
      base,
      start: base + libc.PAGE,
      byteLength,
      total,
      protection: 'read-write',
      views: 0,
    };
    return { region };
  }

  /** @param {Region} region */
  open(region) {
    return libc.mprotect(region.start, region.byteLength, ACCESS['read-write']);
  }

  /** @param {Region} region */
  lock(region) {
    return libc.mlock(region.start, region.byteLength);
  }

  /** The guard before gets the advice too, so that it never merges with the guard behind another region. @param {Region} region */
  excludeFromDump(region) {
    return libc.madvise(region.base, libc.PAGE + region.byteLength, libc.MADVISE.DONTDUMP);
  }

  /** @param {Region} region */
  excludeFromFork(region) {
    return libc.madvise(region.start, region.byteLength, libc.MADVISE.DONTFORK);
  }

  /** @param {Region} region @param {Region['protection']} protection */
  protect(region, protection) {
    const errno = libc.mprotect(region.start, region.byteLength, ACCESS[protection]);
    if (errno === 0) region.protection = protection;
    return errno;
  }

  /** Runs something on open pages and restores the protection. @param {Region} region @param {(bytes: Uint8Array) => void} use */
  onOpen(region, use) {
    const { protection } = region;
    if (protection !== 'read-write') this.protect(region, 'read-write');
    try {
      use(libc.bytesAt(region.start, region.byteLength));
    } finally {
      if (protection !== 'read-write') this.protect(region, protection);
    }
  }

  /** @param {Region} region @param {number} byteOffset @param {number} byteLength */
  zero(region, byteOffset, byteLength) {
    this.onOpen(region, (bytes) => bytes.fill(0, byteOffset, byteOffset + byteLength));
  }

  /** @param {Region} region */
  release(region) {
    return libc.munmap(region.base, region.total);
  }
}
