import { isSecureMemoryError, type RegionId } from '@securemem/core/contract';
import { altered } from '../altered.js';
import { afterMap, type Broken } from './breaking.js';

export const locks: readonly Broken[] = [
  {
    name: 'locks the first page of a region only',
    rejectedBy: [
      'lock-whole-region',
      'lock-survives-protect',
      'lock-figure',
      'inspect-asks',
      'lock-released',
    ],
    breakIt: (backend, kernel) =>
      afterMap(backend, (region) =>
        kernel.tamper(region, { lockedByteLength: backend.pageByteLength }),
      ),
  },
  {
    name: 'loses the lock when a region is closed',
    rejectedBy: ['lock-survives-protect'],
    breakIt: (backend, kernel) =>
      altered(backend, {
        protect: (region, protection) => {
          backend.protect(region, protection);
          if (protection === 'no-access') kernel.tamper(region, { lockedByteLength: 0 });
        },
      }),
  },
  {
    name: 'goes on without a lock when the limit is reached',
    rejectedBy: ['limit-bites', 'limit-numbers', 'limit-zero'],
    breakIt: (backend, kernel) =>
      altered(backend, {
        map: (byteLength) => {
          try {
            return backend.map(byteLength);
          } catch (error) {
            if (!isSecureMemoryError(error, 'ERR_SECMEM_LOCK_LIMIT')) throw error;
            const { lockLimit } = kernel;
            kernel.setLockLimit({ kind: 'unlimited' });
            const region = backend.map(byteLength);
            kernel.tamper(region, { lockedByteLength: 0 });
            kernel.setLockLimit(lockLimit);
            return region;
          }
        },
      }),
  },
  {
    name: 'goes on without a lock when locking is forbidden',
    rejectedBy: ['error-lock-denied'],
    breakIt: (backend, kernel) =>
      altered(backend, {
        map: (byteLength) => {
          const refused = kernel.refuses('mlock');
          kernel.allow('mlock');
          const region = backend.map(byteLength);
          if (refused) kernel.refuse('mlock');
          return region;
        },
      }),
  },
  {
    name: 'keeps the lock of a released region',
    rejectedBy: ['lock-released', 'cycles-leave-nothing', 'limit-mappings', 'calls-leave-nothing'],
    breakIt: (backend, kernel) =>
      altered(backend, {
        unmap: (region) => {
          backend.unmap(region);
          kernel.lockForeign(1);
        },
      }),
  },
  {
    name: 'counts its own locks only',
    rejectedBy: ['lock-figure'],
    breakIt: (backend, kernel) => {
      const own = new Set<RegionId>();
      return altered(backend, {
        map: (byteLength) => {
          const region = backend.map(byteLength);
          own.add(region);
          return region;
        },
        lockedByteLength: () => {
          backend.lockedByteLength();
          let sum = 0;
          for (const region of own) sum += kernel.find(region)?.facts.lockedByteLength ?? 0;
          return sum;
        },
      });
    },
  },
  {
    name: 'locks something for ever when it opens',
    rejectedBy: ['opening-leaves-nothing', 'dispose-releases'],
    breakIt: (backend, kernel) => {
      kernel.lockForeign(1);
      return backend;
    },
  },
];
