import { createAllocator, isSecureMemoryError } from '@securemem/core';
import { createFakeKernel, fakeBackend } from '@securemem/core/testing';

const pageByteLength = 4096;
/** What securemem lays behind each secret; a class has to hold it as well. */
const canaryByteLength = 8;
/** The least class, and the distance between two: each is twice the one before. */
const leastClass = 16;

/**
 * Ways to keep secrets in so many locked bytes, on no real memory: how they lie is a matter of calculation. `take` gives what takes
 * it back, or undefined where there is no room.
 *
 * @typedef {(byteLength: number) => (() => void) | undefined} Take
 * @type {Readonly<Record<string, (limit: number) => Take>>}
 */
export const holders = {
  securemem(limit) {
    const memory = createAllocator({
      backend: fakeBackend({ kernel: createFakeKernel({ lockLimit: { kind: 'unlimited' } }) }),
      budget: { lockedByteLengthMax: limit },
      onCapacity: 'throw',
      exitHooks: false,
    });
    return (byteLength) => {
      try {
        const secret = memory.allocateSync(byteLength);
        return () => secret.dispose();
      } catch (error) {
        if (isSecureMemoryError(error, 'ERR_SECMEM_LOCK_LIMIT')) return undefined;
        throw error;
      }
    };
  },

  /** Slabs of one page for each power of two, as an allocator of size classes has them; an empty slab goes back. */
  'size-classes'(limit) {
    /** @type {Map<number, number[]>} free slots of each slab, by class */
    const slabsOf = new Map();
    let pages = 0;
    return (byteLength) => {
      const needed = byteLength + canaryByteLength;
      const size = 2 ** Math.ceil(Math.log2(Math.max(leastClass, needed)));
      const slots = Math.max(1, Math.floor(pageByteLength / size));
      const pagesEach = Math.max(1, size / pageByteLength);
      const slabs = slabsOf.get(size) ?? [];
      slabsOf.set(size, slabs);
      let at = slabs.findIndex((free) => free > 0);
      if (at < 0) {
        if ((pages + pagesEach) * pageByteLength > limit) return undefined;
        pages += pagesEach;
        // The place of a slab that went back.
        at = slabs.indexOf(-1);
        if (at < 0) at = slabs.push(slots) - 1;
        else slabs[at] = slots;
      }
      slabs[at] = Number(slabs[at]) - 1;
      return () => {
        slabs[at] = Number(slabs[at]) + 1;
        if (slabs[at] !== slots) return;
        slabs[at] = -1;
        pages -= pagesEach;
      };
    };
  },

  /** What every secret with guarded pages of its own takes. */
  'page-each'(limit) {
    let pages = 0;
    return (byteLength) => {
      const own = Math.ceil(byteLength / pageByteLength);
      if ((pages + own) * pageByteLength > limit) return undefined;
      pages += own;
      return () => {
        pages -= own;
      };
    };
  },
};
