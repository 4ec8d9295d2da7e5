import { type ErrorCode, type ErrorDetails, SecureMemoryError } from '@securemem/core/contract';
import type { Binding } from './binding.js';
import { Status } from './status.js';

/** The name of this backend in errors and receipts. */
export const BACKEND_NAME = 'napi';

const LOCK_REMEDY =
  'raise RLIMIT_MEMLOCK: ulimit -l, LimitMEMLOCK= in a systemd unit, --ulimit memlock= for a container';

/** What a status means to a caller. Those that are no operating errors are missing: see `failure`. */
const MEANINGS: { readonly [status: number]: readonly [ErrorCode, string] } = {
  [Status.closed]: ['ERR_SECMEM_CLOSED', 'the backend is closed'],
  [Status.disposed]: ['ERR_SECMEM_DISPOSED', 'no live region of this backend has this id'],
  [Status.notSupported]: ['ERR_SECMEM_NOT_SUPPORTED', 'this system cannot do it'],
  [Status.lockLimit]: ['ERR_SECMEM_LOCK_LIMIT', 'the lock limit of this process is reached'],
  [Status.mapLimit]: [
    'ERR_SECMEM_MAP_LIMIT',
    'the number of mappings of this process is exhausted',
  ],
  [Status.outOfMemory]: ['ERR_SECMEM_OUT_OF_MEMORY', 'no memory or address space is left'],
  [Status.denied]: ['ERR_SECMEM_DENIED', 'the system forbids it whatever the limit'],
  [Status.cannotRaise]: ['ERR_SECMEM_CANNOT_RAISE', 'the hard limit is lower than that'],
  [Status.platform]: ['ERR_SECMEM_PLATFORM', 'the system refused'],
  [Status.unsealFailed]: ['ERR_SECMEM_UNSEAL_FAILED', 'the tag does not match'],
  [Status.noExternalBuffers]: [
    'ERR_SECMEM_NOT_SUPPORTED',
    'this runtime has no buffers over memory that is not its own',
  ],
  [Status.inUse]: ['ERR_SECMEM_IN_USE', 'a view of the region may still be in use'],
};

function detailsOf(status: number, syscall: string, numbers: Float64Array): ErrorDetails {
  const [, requested, inUse, limit, mappings, mappingsMax, hardLimit, mappingsReserved] =
    numbers as unknown as number[];
  const number = (name: string, value: number | undefined) =>
    value === undefined || value < 0 ? {} : { [name]: value };
  const sizes = {
    ...number('requestedByteLength', requested),
    ...number('inUseByteLength', inUse),
    ...number('limitByteLength', limit),
  };
  switch (status) {
    case Status.lockLimit:
      return { limit: 'lock', ...sizes, remedy: LOCK_REMEDY };
    case Status.cannotRaise: {
      const hard = number('hardLimitByteLength', hardLimit);
      return { limit: 'lock', ...sizes, ...hard, remedy: LOCK_REMEDY };
    }
    case Status.mapLimit:
      return {
        limit: 'mappings',
        ...sizes,
        ...number('mappings', mappings),
        ...number('mappingsMax', mappingsMax),
        ...number('mappingsReserved', mappingsReserved),
        remedy: 'raise vm.max_map_count, or put more secrets into fewer regions',
      };
    case Status.outOfMemory:
      return { limit: syscall === 'mmap' ? 'address-space' : 'memory', ...sizes };
    default:
      return sizes;
  }
}

/** Statuses that come with a system call, whose number and counts the addon has kept. */
const FROM_SYSTEM: readonly number[] = [
  Status.lockLimit,
  Status.mapLimit,
  Status.outOfMemory,
  Status.denied,
  Status.cannotRaise,
  Status.platform,
];

/** The error that a status stands for; to be thrown at once, before another call replaces the numbers it is made of. */
export function failure(binding: Binding, status: number, operation: string): Error {
  if (status === Status.badType) {
    return new TypeError(`${operation}: a region is a number, bytes are an ordinary Uint8Array`);
  }
  if (status === Status.badRange) {
    return new RangeError(`${operation}: lengths are integers and ranges lie inside the region`);
  }
  const [code, message] = MEANINGS[status] ?? ['ERR_SECMEM_PLATFORM', `unknown status ${status}`];
  if (!FROM_SYSTEM.includes(status)) {
    return new SecureMemoryError(code, message, { operation, backend: BACKEND_NAME });
  }
  const numbers = new Float64Array(8);
  const syscall = binding.failure(numbers);
  const details = detailsOf(status, syscall, numbers);
  if (syscall === '') {
    // Nothing was refused: the call was not made.
    return new SecureMemoryError(code, message, { operation, backend: BACKEND_NAME, details });
  }
  const errno = numbers[0] ?? 0;
  return new SecureMemoryError(code, `${message} (${syscall}, error ${errno})`, {
    operation,
    backend: BACKEND_NAME,
    syscall,
    errno,
    details,
  });
}
