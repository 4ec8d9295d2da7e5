import { isSecureMemoryError, SecureMemoryError } from '@securemem/core/contract';
import { altered } from '../altered.js';
import { afterMap, type Broken, renumbered } from './breaking.js';

const illegal = 'perhaps' as 'kept';

export const regions: readonly Broken[] = [
  {
    name: 'implements another version of the contract',
    rejectedBy: ['opening-identity'],
    breakIt: (backend) => altered(backend, { contractVersion: 2 as 1 }),
  },
  {
    name: 'has a capability with a value of its own',
    rejectedBy: ['opening-capabilities'],
    capabilities: { threadExit: illegal },
    breakIt: (backend) => backend,
  },
  {
    name: 'puts the guard after a region one page off',
    rejectedBy: ['map-guards', 'inspect-asks'],
    breakIt: (backend, kernel) =>
      afterMap(backend, (region) => kernel.tamper(region, { guardAfter: false })),
  },
  {
    name: 'has no guard before a region',
    rejectedBy: ['map-guards', 'inspect-asks'],
    breakIt: (backend, kernel) =>
      afterMap(backend, (region) => kernel.tamper(region, { guardBefore: false })),
  },
  {
    name: 'gives a released region away with its bytes',
    rejectedBy: ['map-zeroed', 'model-sequences', 'model-under-limit'],
    breakIt: (backend) => {
      let released = false;
      return altered(backend, {
        map: (byteLength) => {
          const region = backend.map(byteLength);
          if (released) backend.write(region, 9, Uint8Array.of(1));
          return region;
        },
        unmap: (region) => {
          backend.unmap(region);
          released = true;
        },
      });
    },
  },
  {
    name: 'loses what is written beyond the eighth page',
    rejectedBy: ['map-keeps-bytes'],
    breakIt: (backend) =>
      altered(backend, {
        write: (region, byteOffset, source) => {
          backend.write(region, byteOffset, source);
          const kept = 8 * backend.pageByteLength - byteOffset;
          if (source.length > kept) backend.wipe(region, kept, source.length - kept);
        },
      }),
  },
  {
    name: 'gives a region that is read-only at first',
    rejectedBy: ['map-read-write', 'dispose-spares-views'],
    breakIt: (backend) =>
      afterMap(backend, (region, byteLength) => {
        if (byteLength === 3 * backend.pageByteLength) backend.protect(region, 'read-only');
      }),
  },
  {
    name: 'damages a neighbour when a region is released',
    rejectedBy: ['map-separate', 'model-sequences', 'model-under-limit'],
    breakIt: (backend, kernel) =>
      altered(backend, {
        unmap: (region) => {
          backend.unmap(region);
          const neighbour = kernel.regionIds.find((id) => id > region);
          if (neighbour !== undefined) kernel.poke(neighbour, 0, Uint8Array.of(0xbb));
        },
      }),
  },
  {
    name: 'gives numbers that are no integers',
    rejectedBy: ['map-ids'],
    breakIt: (backend) => {
      let last = 0.25;
      return renumbered(backend, () => {
        last += 1;
        return last;
      });
    },
  },
  {
    name: 'recycles ids',
    rejectedBy: ['ids-never-return', 'misuse-twice'],
    breakIt: (backend) => {
      const free: number[] = [];
      let last = 0;
      const numbered = renumbered(backend, () => {
        last += 1;
        return free.pop() ?? last;
      });
      return altered(numbered, {
        unmap: (region) => {
          numbered.unmap(region);
          free.push(region);
        },
      });
    },
  },
  {
    name: 'keeps a mapping of every released region',
    rejectedBy: ['cycles-leave-nothing', 'calls-leave-nothing'],
    breakIt: (backend, kernel) =>
      altered(backend, {
        unmap: (region) => {
          backend.unmap(region);
          kernel.leakMappings(1);
        },
      }),
  },
  {
    name: 'does not wipe before it releases',
    rejectedBy: ['unmap-wipes', 'error-shape'],
    breakIt: (backend, kernel) =>
      altered(backend, {
        unmap: (region) => {
          if (!kernel.refuses('munmap')) return backend.unmap(region);
          throw new SecureMemoryError('ERR_SECMEM_PLATFORM', 'munmap failed');
        },
      }),
  },
  {
    name: 'forgets a region that could not be released',
    rejectedBy: ['unmap-wipes', 'error-shape'],
    breakIt: (backend, kernel) =>
      altered(backend, {
        unmap: (region) => {
          const refused = kernel.refuses('munmap');
          kernel.allow('munmap');
          backend.unmap(region);
          if (!refused) return;
          kernel.refuse('munmap');
          throw new SecureMemoryError('ERR_SECMEM_PLATFORM', 'munmap failed');
        },
      }),
  },
  {
    name: 'answers inspect of a region that is gone',
    rejectedBy: ['unmap-releases', 'error-shape', 'misuse-unknown-id'],
    breakIt: (backend) =>
      altered(backend, {
        inspect: (ids) => {
          try {
            return backend.inspect(ids);
          } catch (error) {
            if (isSecureMemoryError(error, 'ERR_SECMEM_DISPOSED')) return ids.map(() => 'unknown');
            throw error;
          }
        },
      }),
  },
  {
    name: 'ignores a second unmap',
    rejectedBy: ['misuse-twice', 'unmap-releases', 'error-shape'],
    breakIt: (backend) => {
      const released = new Set<number>();
      return altered(backend, {
        unmap: (region) => {
          if (released.has(region)) return backend.lockLimit() && undefined;
          backend.unmap(region);
          released.add(region);
        },
      });
    },
  },
  {
    name: 'keeps a lock when it is disposed',
    rejectedBy: ['dispose-releases', 'opening-leaves-nothing', 'lock-released'],
    breakIt: (backend, kernel) =>
      altered(backend, {
        [Symbol.dispose]: () => {
          backend[Symbol.dispose]();
          kernel.lockForeign(8);
        },
      }),
  },
  {
    name: 'releases a region under a live view when it is disposed',
    rejectedBy: ['dispose-spares-views'],
    breakIt: (backend, kernel) => {
      const own = new Set<number>();
      return altered(
        afterMap(backend, (region) => own.add(region)),
        {
          [Symbol.dispose]: () => {
            backend[Symbol.dispose]();
            for (const id of kernel.regionIds) {
              if (own.has(id)) kernel.unmap(kernel.region(id));
            }
          },
        },
      );
    },
  },
  {
    name: 'goes on answering after it was disposed',
    rejectedBy: ['closed-refuses'],
    breakIt: (backend) =>
      altered(backend, {
        lockLimit: () => {
          try {
            return backend.lockLimit();
          } catch {
            return { kind: 'unlimited' };
          }
        },
      }),
  },
  {
    name: 'releases the regions of every instance when it is disposed',
    rejectedBy: ['instances-independent'],
    breakIt: (backend, kernel) =>
      altered(backend, {
        [Symbol.dispose]: () => {
          backend[Symbol.dispose]();
          for (const id of kernel.regionIds) {
            if (kernel.protectionOf(id) === 'read-write' && kernel.region(id).aliases.size === 0) {
              kernel.poke(id, 0, new Uint8Array(kernel.region(id).byteLength));
            }
          }
        },
      }),
  },
  {
    name: 'gives a thread that ends no cleanup',
    rejectedBy: ['thread-exit'],
    capabilities: { threadExit: 'kept' },
    breakIt: (backend) =>
      altered(backend, { capabilities: { ...backend.capabilities, threadExit: 'wiped' } }),
  },
  {
    name: 'damages the newest region in a rare sequence',
    rejectedBy: ['model-sequences', 'model-under-limit'],
    breakIt: (backend, kernel) =>
      altered(backend, {
        protect: (region, protection) => {
          backend.protect(region, protection);
          const newest = kernel.regionIds.at(-1);
          if (kernel.regionCount < 4 || protection !== 'read-only' || newest === undefined) return;
          kernel.poke(newest, 0, Uint8Array.of(0xcc));
        },
      }),
  },
  {
    name: 'raises the lock limit when it opens',
    rejectedBy: ['opening-changes-nothing', 'limit-raise'],
    breakIt: (backend, kernel) => {
      const { hardLockLimit } = kernel;
      if (hardLockLimit.kind !== 'bytes') return backend;
      const byteLength = hardLockLimit.byteLength + 2 ** 30;
      kernel.setLockLimit(kernel.lockLimit, { kind: 'bytes', byteLength });
      return backend;
    },
  },
  {
    name: 'leaves a mapping behind at every look',
    rejectedBy: ['calls-leave-nothing'],
    breakIt: (backend, kernel) =>
      altered(backend, {
        inspect: (ids) => {
          kernel.leakMappings(1);
          return backend.inspect(ids);
        },
      }),
  },
];
