import {
  type ErrorCode,
  type ErrorDetails,
  isSecureMemoryError,
  SecureMemoryError,
} from '../contract/errors.js';
import { type Asker, adviceFor, adviceForTooLarge, adviceInQueue, askerOf } from './advice.js';
import { DENIED_REMEDY } from './remedies.js';
import type { Shortage } from './shortage.js';

/** How the held bytes are used, for telling "full" from "fragmented". */
export interface Fragmentation {
  /** Bytes of regions held. */
  readonly heldByteLength: number;
  /** Bytes of free slots and gaps inside them, unusable for what is longer while a neighbour lives. */
  readonly freeSlotByteLength: number;
  /** The longest run of them, in bytes: of slabs that are cut evenly a slot. */
  readonly longestFreeByteLength: number;
  /** Slabs with free bytes that something keeps. */
  readonly slabsPartlyFree: number;
  /** The secrets that keep them, and the shortest and the longest of these, in bytes; rounded up to slots where there are slots. */
  readonly secretsInThem: number;
  readonly shortestByteLength: number;
  readonly longestByteLength: number;
  /** Slabs kept by one secret alone. */
  readonly slabsHeldByOneSecret: number;
  /** The fewest secrets whose release would empty slabs of as many bytes as were asked for; 0 where that is not to be had so. */
  readonly releasesThatHelp: number;
}

/** An error that was not made yet: what is wrong and what to do are kept apart, since the one may be the cause of another. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly what: string;
  readonly remedy: string;
  readonly operation: string;
  readonly backend: string;
  /** Without the remedy. */
  readonly details: ErrorDetails;
  /** What the backend threw. */
  readonly cause?: SecureMemoryError;
}

export function errorOf({ code, what, remedy, cause, ...rest }: Refusal): SecureMemoryError {
  const { syscall, errno } = cause ?? {};
  return new SecureMemoryError(code, `${what}; ${remedy}`, {
    operation: rest.operation,
    backend: rest.backend,
    syscall,
    errno,
    details: { ...rest.details, remedy },
    cause,
  });
}

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

/** Which limit bound, with the numbers and the remedy. */
export function shortageRefusal(
  shortage: Shortage,
  backend: string,
  operation: string,
  fragmentation?: Fragmentation,
  asker: Asker = askerOf(operation),
): Refusal {
  if (shortage.by === 'never') return tooLarge(shortage, backend, operation);
  const { error } = shortage;
  const remedy = adviceFor(shortage, asker, operation);
  const common = { operation, backend, remedy };
  if (shortage.by === 'secrets') {
    const what = 'there are as many secrets as budget.secretsMax allows';
    const own = details(shortage, 'secrets');
    return { ...common, code: 'ERR_SECMEM_SECRETS_LIMIT', what, details: own };
  }
  const words = fragmentationWords(fragmentation, shortage.requestedByteLength);
  if (error === undefined) {
    const what = `${budgetWords(shortage)}${words}`;
    const own = details(shortage, 'budget', fragmentation);
    return { ...common, code: 'ERR_SECMEM_LOCK_LIMIT', what, details: own };
  }
  // The backend's error with our numbers added; its own win where it gave any.
  return {
    ...common,
    code: error.code,
    what: `${error.message}${words}`,
    details: {
      ...details(shortage, error.details.limit ?? 'lock', fragmentation),
      ...error.details,
    },
    cause: error,
  };
}

/** For a request that could not be served at once because others wait. */
export function queueRefusal(
  waiting: number,
  requestedByteLength: number,
  backend: string,
  operation: string,
  asker: Asker = askerOf(operation),
): Refusal {
  return {
    code: 'ERR_SECMEM_LOCK_LIMIT',
    what: `${waiting === 1 ? '1 request waits' : `${waiting} requests wait`} for a place and must not be overtaken any further`,
    remedy: adviceInQueue(asker),
    operation,
    backend,
    details: { limit: 'queue', waiting, requestedByteLength },
  };
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

/** For a request that waited too long; `cause` says what was in the way of one that waited. */
export function waitTimeout(waitedMs: number, cause: Refusal): SecureMemoryError {
  const { what, remedy, operation, backend, details } = cause;
  return new SecureMemoryError(
    'ERR_SECMEM_WAIT_TIMEOUT',
    `no place within ${waitedMs} ms: ${what}; ${remedy}`,
    {
      operation,
      backend,
      details: { ...details, limit: 'wait', waitedMs, boundBy: details.limit, remedy },
      cause: errorOf(cause),
    },
  );
}

function tooLarge(shortage: Shortage, backend: string, operation: string): Refusal {
  const { requestedByteLength, limit } = shortage;
  return {
    code: 'ERR_SECMEM_TOO_LARGE',
    what: `${requestedByteLength} bytes of pages are needed and ${limit.byteLength} is all there can be`,
    remedy: adviceForTooLarge(shortage),
    operation,
    backend,
    details: details(shortage, limit.source === 'kernel' ? 'lock' : 'budget'),
  };
}

function budgetWords({ requestedByteLength, inUseByteLength, limit }: Shortage): string {
  const whose =
    limit.source === 'kernel'
      ? 'the lock limit of this process, less headroom'
      : "the allocator's own budget";
  return `no room for ${requestedByteLength} bytes: ${inUseByteLength} of ${limit.byteLength} bytes are held (${whose})`;
}

function details(
  shortage: Shortage,
  limit: NonNullable<ErrorDetails['limit']>,
  fragmentation?: Fragmentation,
): ErrorDetails {
  return {
    limit,
    requestedByteLength: shortage.requestedByteLength,
    inUseByteLength: shortage.inUseByteLength,
    limitByteLength: shortage.limit.byteLength,
    limitSource: shortage.limit.source,
    ...(fragmentation === undefined ? {} : { fragmentation }),
  };
}

/** What holds the room that there is, where releasing few would make much of it. */
function fragmentationWords(
  fragmentation: Fragmentation | undefined,
  requestedByteLength: number,
): string {
  if (fragmentation === undefined) return '';
  const { slabsHeldByOneSecret: alone, freeSlotByteLength, slabsPartlyFree } = fragmentation;
  if (alone === 0 && freeSlotByteLength < requestedByteLength) return '';
  const { secretsInThem: secrets, shortestByteLength, longestByteLength } = fragmentation;
  const lengths =
    shortestByteLength === longestByteLength
      ? `${longestByteLength} bytes each`
      : `${shortestByteLength} to ${longestByteLength} bytes`;
  const holders =
    alone === slabsPartlyFree
      ? `${alone} slabs are held by one long-lived secret each`
      : `${slabsPartlyFree} slabs are held by ${secrets} secrets of ${lengths}`;
  const { longestFreeByteLength: longest, releasesThatHelp: releases } = fragmentation;
  const help =
    releases === 0 ? '' : `; releasing ${releases} of them, slab by slab, makes room for it`;
  return `; fragmentation: ${holders}, ${freeSlotByteLength} bytes between them are free, ${longest} at most in one piece${help}`;
}
