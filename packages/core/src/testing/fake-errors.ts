import { type LockLimit, type RegionId, SecureMemoryError } from '../contract/index.js';
import type { FakeKernel, FakeRefusal } from './fake-kernel.js';

const EPERM = 1;
const ENOMEM = 12;

/** The error of the contract for a refusal of the simulated kernel, with the numbers that explain it. */
export function refusalError(
  refusal: FakeRefusal,
  kernel: FakeKernel,
  backend: string,
  requestedByteLength: number,
): SecureMemoryError {
  const common = { operation: 'map', backend };
  switch (refusal) {
    case 'memory':
      return new SecureMemoryError(
        'ERR_SECMEM_OUT_OF_MEMORY',
        'No memory is left for this region',
        {
          ...common,
          syscall: 'mmap',
          errno: ENOMEM,
          details: {
            limit: 'memory',
            requestedByteLength,
            inUseByteLength: kernel.mappedByteLength,
            limitByteLength: kernel.memoryByteLengthMax,
            remedy: 'Give the simulated kernel a larger memoryByteLengthMax.',
          },
        },
      );
    case 'mappings':
      return new SecureMemoryError('ERR_SECMEM_MAP_LIMIT', 'The process has no mapping left', {
        ...common,
        syscall: 'mmap',
        errno: ENOMEM,
        details: {
          limit: 'mappings',
          requestedByteLength,
          mappings: kernel.mappings,
          mappingsMax: kernel.mappingsMax,
          remedy: 'Give the simulated kernel a larger mappingsMax, or use larger regions.',
        },
      });
    case 'denied':
      return new SecureMemoryError('ERR_SECMEM_DENIED', 'The simulated kernel forbids locking', {
        ...common,
        syscall: 'mlock',
        errno: EPERM,
        details: { remedy: 'Call denyLocking(false) on the simulated kernel.' },
      });
    case 'advice':
      return platformError('map', backend, 'madvise');
    case 'lock':
      return lockLimitError(kernel, common, requestedByteLength);
  }
}

function lockLimitError(
  kernel: FakeKernel,
  common: { operation: string; backend: string },
  requestedByteLength: number,
): SecureMemoryError {
  const limitByteLength = byteLengthOf(kernel.lockLimit);
  return new SecureMemoryError(
    'ERR_SECMEM_LOCK_LIMIT',
    `The lock limit of ${limitByteLength} bytes has no room for ${requestedByteLength} more bytes`,
    {
      ...common,
      syscall: 'mlock',
      errno: limitByteLength === 0 ? EPERM : ENOMEM,
      details: {
        limit: 'lock',
        requestedByteLength,
        inUseByteLength: kernel.lockedByteLength,
        limitByteLength,
        remedy: 'Raise the limit of the simulated kernel with setLockLimit, or release memory.',
      },
    },
  );
}

function byteLengthOf(limit: LockLimit): number {
  return limit.kind === 'bytes' ? limit.byteLength : Number.POSITIVE_INFINITY;
}

/** The simulated kernel was told to refuse a system call that has no code of its own. */
export function platformError(
  operation: string,
  backend: string,
  syscall: string,
): SecureMemoryError {
  return new SecureMemoryError('ERR_SECMEM_PLATFORM', `The simulated kernel refuses ${syscall}`, {
    operation,
    backend,
    syscall,
    errno: ENOMEM,
  });
}

export function notSupported(operation: string, backend: string, what: string): SecureMemoryError {
  return new SecureMemoryError('ERR_SECMEM_NOT_SUPPORTED', `This backend has no ${what}`, {
    operation,
    backend,
  });
}

export function disposedRegion(
  operation: string,
  backend: string,
  region: RegionId,
): SecureMemoryError {
  return new SecureMemoryError('ERR_SECMEM_DISPOSED', `Region ${String(region)} is not live`, {
    operation,
    backend,
  });
}

export function viewInUse(operation: string, backend: string): SecureMemoryError {
  return new SecureMemoryError('ERR_SECMEM_IN_USE', 'A view of the region may still be in use', {
    operation,
    backend,
  });
}
