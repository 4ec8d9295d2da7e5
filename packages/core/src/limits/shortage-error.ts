import { type ErrorDetails, isSecureMemoryError, SecureMemoryError } from '../contract/errors.js';
import {
  DENIED_REMEDY,
  MAP_LIMIT_REMEDY,
  OUT_OF_MEMORY_REMEDY,
  RAISE_BUDGET_REMEDY,
  raiseLockLimitRemedy,
} from './remedies.js';
import type { Shortage } from './shortage.js';

/** How the held bytes are used, for telling "full" from "fragmented". */
export interface Fragmentation {
  /** Bytes of regions held. */
  readonly heldByteLength: number;
  /** Bytes of free slots inside them, unusable for anything of another shape while a neighbour lives. */
  readonly freeSlotByteLength: number;
  /** Slabs kept by one secret alone. */
  readonly slabsHeldByOneSecret: number;
}

const KERNEL_REMEDIES: Record<string, (shortage: Shortage) => string> = {
  ERR_SECMEM_LOCK_LIMIT: (shortage) =>
    raiseLockLimitRemedy(shortage.inUseByteLength + shortage.requestedByteLength),
  ERR_SECMEM_MAP_LIMIT: () => MAP_LIMIT_REMEDY,
  ERR_SECMEM_OUT_OF_MEMORY: () => OUT_OF_MEMORY_REMEDY,
};

/** A call that the system forbids is no shortage and passes through all that waits for one; it has its remedy all the same. */
export function explainDenial(error: unknown): unknown {
  if (!isSecureMemoryError(error, 'ERR_SECMEM_DENIED')) return error;
  const { code, message, operation, backend, syscall, errno } = error;
  return new SecureMemoryError(code, `${message}; ${DENIED_REMEDY}`, {
    operation,
    backend,
    syscall,
    errno,
    details: { ...error.details, remedy: DENIED_REMEDY },
    cause: error,
  });
}

/** The error that says which limit bound, with the numbers and the remedy. */
export function shortageError(
  shortage: Shortage,
  backend: string,
  operation: string,
  fragmentation?: Fragmentation,
): SecureMemoryError {
  if (shortage.by === 'never') return tooLarge(shortage, backend, operation);
  if (shortage.by === 'secrets') return tooMany(shortage, backend, operation);
  if (shortage.error !== undefined) {
    return explainKernel(shortage.error, shortage, backend, operation, fragmentation);
  }
  const { requestedByteLength, inUseByteLength, limit } = shortage;
  const kernel = limit.source === 'kernel';
  const remedy = kernel
    ? raiseLockLimitRemedy(inUseByteLength + requestedByteLength)
    : RAISE_BUDGET_REMEDY;
  return new SecureMemoryError(
    'ERR_SECMEM_LOCK_LIMIT',
    `no room for ${requestedByteLength} bytes: ${inUseByteLength} of ${limit.byteLength} bytes are held ` +
      `(${kernel ? 'the lock limit of this process, less headroom' : "the allocator's own budget"})` +
      `${fragmentationWords(fragmentation)}; ${remedy}`,
    {
      operation,
      backend,
      details: details(shortage, 'budget', remedy, fragmentation),
    },
  );
}

/** For a request that could not be served at once because others wait. */
export function queueError(
  waiting: number,
  requestedByteLength: number,
  backend: string,
): SecureMemoryError {
  const remedy = 'use the waiting form (allocate instead of allocateSync), or try again later';
  return new SecureMemoryError(
    'ERR_SECMEM_LOCK_LIMIT',
    `${waiting} requests wait for a place and must not be overtaken any further; ${remedy}`,
    {
      operation: 'allocateSync',
      backend,
      details: { limit: 'queue', waiting, requestedByteLength, remedy },
    },
  );
}

/** For more secrets at once than there may be in all. */
export function setTooLong(
  requestedSecrets: number,
  secretsMax: number,
  backend: string,
): SecureMemoryError {
  const remedy = 'ask for fewer at once, or raise budget.secretsMax';
  return new SecureMemoryError(
    'ERR_SECMEM_TOO_LARGE',
    `${requestedSecrets} secrets at once are more than the ${secretsMax} that budget.secretsMax allows; ${remedy}`,
    {
      operation: 'allocate',
      backend,
      details: { limit: 'secrets', requestedSecrets, secretsMax, remedy },
    },
  );
}

/** For a request that waited too long; `cause` says what was in the way. */
export function waitTimeout(waitedMs: number, cause: SecureMemoryError): SecureMemoryError {
  return new SecureMemoryError(
    'ERR_SECMEM_WAIT_TIMEOUT',
    `no place within ${waitedMs} ms: ${cause.message}`,
    {
      operation: 'allocate',
      backend: cause.backend,
      details: { ...cause.details, limit: 'wait', waitedMs, boundBy: cause.details.limit },
      cause,
    },
  );
}

function tooLarge(shortage: Shortage, backend: string, operation: string): SecureMemoryError {
  const { requestedByteLength, limit } = shortage;
  const remedy =
    limit.source === 'kernel' ? raiseLockLimitRemedy(requestedByteLength) : RAISE_BUDGET_REMEDY;
  return new SecureMemoryError(
    'ERR_SECMEM_TOO_LARGE',
    `${requestedByteLength} bytes of pages are needed and ${limit.byteLength} is all there can be; ${remedy}`,
    {
      operation,
      backend,
      details: details(shortage, limit.source === 'kernel' ? 'lock' : 'budget', remedy),
    },
  );
}

function tooMany(shortage: Shortage, backend: string, operation: string): SecureMemoryError {
  const remedy = 'dispose secrets, seal cold ones, or raise budget.secretsMax';
  return new SecureMemoryError(
    'ERR_SECMEM_SECRETS_LIMIT',
    `there are as many secrets as budget.secretsMax allows; ${remedy}`,
    { operation, backend, details: details(shortage, 'secrets', remedy) },
  );
}

/** The backend's error with core's numbers and the remedy added; its own details win where it gave any. */
function explainKernel(
  error: SecureMemoryError,
  shortage: Shortage,
  backend: string,
  operation: string,
  fragmentation: Fragmentation | undefined,
): SecureMemoryError {
  const remedy = KERNEL_REMEDIES[error.code]?.(shortage) ?? error.details.remedy;
  const own = details(shortage, error.details.limit ?? 'lock', remedy, fragmentation);
  return new SecureMemoryError(
    error.code,
    `${error.message}${fragmentationWords(fragmentation)}${remedy === undefined ? '' : `; ${remedy}`}`,
    {
      operation,
      backend,
      syscall: error.syscall,
      errno: error.errno,
      details: { ...own, ...error.details, ...(remedy === undefined ? {} : { remedy }) },
      cause: error,
    },
  );
}

function details(
  shortage: Shortage,
  limit: NonNullable<ErrorDetails['limit']>,
  remedy: string | undefined,
  fragmentation?: Fragmentation,
): ErrorDetails {
  return {
    limit,
    requestedByteLength: shortage.requestedByteLength,
    inUseByteLength: shortage.inUseByteLength,
    limitByteLength: shortage.limit.byteLength,
    limitSource: shortage.limit.source,
    ...(remedy === undefined ? {} : { remedy }),
    ...(fragmentation === undefined ? {} : { fragmentation }),
  };
}

function fragmentationWords(fragmentation: Fragmentation | undefined): string {
  if (fragmentation === undefined || fragmentation.slabsHeldByOneSecret === 0) return '';
  const { slabsHeldByOneSecret: n, freeSlotByteLength } = fragmentation;
  return `; fragmentation: ${n} slabs are held by one long-lived secret each, ${freeSlotByteLength} bytes of their slots are free`;
}
