import { isSecureMemoryError } from '@securemem/core/contract';
import { altered } from '../altered.js';
import { type Broken, changed, mapErrors, recoded } from './breaking.js';

export const limits: readonly Broken[] = [
  {
    name: 'answers the hard limit',
    rejectedBy: ['limit-in-force', 'limit-raise'],
    breakIt: (backend, kernel) =>
      altered(backend, {
        lockLimit: () => {
          backend.lockLimit();
          return kernel.hardLockLimit;
        },
      }),
  },
  {
    name: 'gives up at half of the limit',
    rejectedBy: ['limit-bites'],
    breakIt: (backend, kernel) =>
      altered(backend, {
        map: (byteLength) => {
          const { lockLimit } = kernel;
          if (lockLimit.kind !== 'bytes') return backend.map(byteLength);
          const byteLengthMax = Math.floor(lockLimit.byteLength / 2);
          kernel.setLockLimit({ kind: 'bytes', byteLength: byteLengthMax });
          try {
            return backend.map(byteLength);
          } catch (error) {
            if (!isSecureMemoryError(error, 'ERR_SECMEM_LOCK_LIMIT')) throw error;
            const { byteLength: limitByteLength } = lockLimit;
            throw changed(error, { details: { ...error.details, limitByteLength } });
          } finally {
            kernel.setLockLimit(lockLimit);
          }
        },
      }),
  },
  {
    name: 'leaks a mapping with every failed lock',
    rejectedBy: ['limit-failure-leaves-nothing'],
    breakIt: (backend, kernel) =>
      mapErrors(backend, (error) => {
        if (error.code === 'ERR_SECMEM_LOCK_LIMIT') kernel.leakMappings(1);
        return error;
      }),
  },
  {
    name: 'swallows the error number of a failed lock',
    rejectedBy: ['limit-numbers'],
    breakIt: (backend) =>
      mapErrors(backend, (error) =>
        error.code === 'ERR_SECMEM_LOCK_LIMIT' ? changed(error, { errno: undefined }) : error,
      ),
  },
  {
    name: 'does not say how much is in use at the limit',
    rejectedBy: ['limit-numbers'],
    breakIt: (backend) =>
      mapErrors(backend, (error) => {
        const details = { ...error.details, inUseByteLength: 0 };
        return error.code === 'ERR_SECMEM_LOCK_LIMIT' ? changed(error, { details }) : error;
      }),
  },
  {
    name: 'takes a limit of 0 for a lack of permission',
    rejectedBy: ['limit-zero'],
    breakIt: (backend, kernel) =>
      mapErrors(backend, (error) => {
        const { lockLimit } = kernel;
        const zero = lockLimit.kind === 'bytes' && lockLimit.byteLength === 0;
        return zero ? recoded(error, 'ERR_SECMEM_DENIED') : error;
      }),
  },
  {
    name: 'takes a lack of permission for the limit',
    rejectedBy: ['error-lock-denied'],
    breakIt: (backend) =>
      mapErrors(backend, (error) =>
        error.code === 'ERR_SECMEM_DENIED' ? recoded(error, 'ERR_SECMEM_LOCK_LIMIT') : error,
      ),
  },
  {
    name: 'takes the mapping limit for the lock limit',
    rejectedBy: ['limit-mappings'],
    breakIt: (backend) =>
      mapErrors(backend, (error) =>
        error.code === 'ERR_SECMEM_MAP_LIMIT' ? recoded(error, 'ERR_SECMEM_LOCK_LIMIT') : error,
      ),
  },
  {
    name: 'takes a lack of memory for a platform error',
    rejectedBy: ['limit-memory'],
    breakIt: (backend) =>
      mapErrors(backend, (error) =>
        error.code === 'ERR_SECMEM_OUT_OF_MEMORY' ? recoded(error, 'ERR_SECMEM_PLATFORM') : error,
      ),
  },
  {
    name: 'pretends to raise the limit beyond the hard one',
    rejectedBy: ['limit-raise'],
    breakIt: (backend) =>
      altered(backend, {
        raiseLockLimit: (byteLength) => {
          try {
            return backend.raiseLockLimit(byteLength);
          } catch (error) {
            if (!isSecureMemoryError(error, 'ERR_SECMEM_CANNOT_RAISE')) throw error;
            return { kind: 'bytes', byteLength };
          }
        },
      }),
  },
  {
    name: 'lowers the limit when asked for less',
    rejectedBy: ['limit-raise'],
    breakIt: (backend, kernel) =>
      altered(backend, {
        raiseLockLimit: (byteLength) => {
          const limit = backend.raiseLockLimit(byteLength);
          if (byteLength === 0 || limit.kind !== 'bytes') return limit;
          kernel.setLockLimit({ kind: 'bytes', byteLength });
          return kernel.lockLimit;
        },
      }),
  },
  {
    name: 'claims no locking and is bound by the lock limit all the same',
    rejectedBy: [
      'limit-bites',
      'limit-numbers',
      'limit-failure-leaves-nothing',
      'limit-release',
      'limit-zero',
      'limit-in-force',
    ],
    capabilities: { locking: 'none' },
    breakIt: (backend, kernel) =>
      altered(backend, { lockLimit: () => backend.lockLimit() && kernel.lockLimit }),
  },
];
