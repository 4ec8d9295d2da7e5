import { ownProperties } from './own-properties.js';

/**
 * What an error is about, coarsely. Policy switches on this; people search for the code.
 *
 * - `misuse`: the caller broke a rule; nothing changed.
 * - `unsupported`: this backend or machine cannot do it, now or ever.
 * - `capacity`: a limit is reached; it may pass when something is released or a limit is raised.
 * - `platform`: the operating system refused for another reason.
 * - `corruption`: bytes are not what they must be.
 * - `crash`: a supervised process ended.
 */
export type ErrorKind = 'misuse' | 'unsupported' | 'capacity' | 'platform' | 'corruption' | 'crash';

/**
 * Every code and its kind. Codes never change their meaning; messages may change at any time. `docs/ERRORS.md` has a
 * heading for each, and a test keeps the two lists equal.
 */
export const ERROR_KINDS = {
  ERR_SECMEM_LOCK_LIMIT: 'capacity',
  ERR_SECMEM_MAP_LIMIT: 'capacity',
  ERR_SECMEM_OUT_OF_MEMORY: 'capacity',
  ERR_SECMEM_TOO_LARGE: 'capacity',
  ERR_SECMEM_WAIT_TIMEOUT: 'capacity',
  ERR_SECMEM_QUEUE_FULL: 'capacity',
  ERR_SECMEM_SECRETS_LIMIT: 'capacity',
  ERR_SECMEM_DENIED: 'platform',
  ERR_SECMEM_CANNOT_RAISE: 'platform',
  ERR_SECMEM_PLATFORM: 'platform',
  ERR_SECMEM_DISPOSED: 'misuse',
  ERR_SECMEM_IN_USE: 'misuse',
  ERR_SECMEM_CLOSED: 'misuse',
  ERR_SECMEM_INPUT_INVALID: 'misuse',
  ERR_SECMEM_LOAD_FAILED: 'misuse',
  ERR_SECMEM_NOT_SUPPORTED: 'unsupported',
  ERR_SECMEM_GUARANTEE_UNMET: 'unsupported',
  ERR_SECMEM_BACKEND_UNAVAILABLE: 'unsupported',
  ERR_SECMEM_CONTRACT_VERSION: 'unsupported',
  ERR_SECMEM_CANARY_MISMATCH: 'corruption',
  ERR_SECMEM_VIEW_ESCAPED: 'corruption',
  ERR_SECMEM_UNSEAL_FAILED: 'corruption',
  ERR_SECMEM_KEY_INVALID: 'corruption',
  ERR_SECMEM_PEER_INVALID: 'corruption',
  ERR_SECMEM_KEEPER_CRASHED: 'crash',
  ERR_SECMEM_KEEPER_LOST: 'crash',
  ERR_SECMEM_KEEPER_HALTED: 'crash',
  ERR_SECMEM_KEEPER_PROTOCOL: 'crash',
  ERR_SECMEM_OUTCOME_UNKNOWN: 'crash',
} as const satisfies Record<string, ErrorKind>;

/** The name of one way to fail; `docs/ERRORS.md` has a heading for each. */
export type ErrorCode = keyof typeof ERROR_KINDS;

/**
 * The numbers that explain an error. All byte counts are bytes, all times milliseconds. Never an address, never bytes of
 * a secret. Extra fields are allowed; these are the ones that programs may rely on.
 */
export interface ErrorDetails {
  /** Which limit bound: the kernel's lock limit, the allocator's own budget, or the order of the queue. */
  readonly limit?:
    | 'lock'
    | 'budget'
    | 'queue'
    | 'mappings'
    | 'address-space'
    | 'memory'
    | 'descriptors'
    | 'secrets'
    | 'wait';
  readonly requestedByteLength?: number;
  readonly inUseByteLength?: number;
  readonly limitByteLength?: number;
  /** With `ERR_SECMEM_CANNOT_RAISE`: how far the process may raise the limit itself, where there is such a bound. */
  readonly hardLimitByteLength?: number;
  readonly mappings?: number;
  readonly mappingsMax?: number;
  readonly waitedMs?: number;
  /** What to do about it, as a sentence or a line to paste. */
  readonly remedy?: string;
  readonly [name: string]: unknown;
}

/** What is known about a failure, beside its code and its words. */
export interface ErrorOptions {
  /** The method or phase of work that failed, such as `map` or `allocate`. */
  readonly operation?: string | undefined;
  /** The name of the backend. */
  readonly backend?: string | undefined;
  /** The system call that refused, such as `mlock`. */
  readonly syscall?: string | undefined;
  /** The number that the system call gave: errno, or GetLastError on Windows. */
  readonly errno?: number | undefined;
  readonly details?: ErrorDetails | undefined;
  readonly cause?: unknown;
}

/** Shared by every copy of this package in the process: recognition must not depend on `instanceof`. */
const BRAND = Symbol.for('securemem.error');

/**
 * The only error class for what can go wrong at run time. Wrong argument types are plain `TypeError` and `RangeError`,
 * thrown before anything changes, and are not meant to be caught.
 */
export class SecureMemoryError extends Error {
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly operation: string | undefined;
  readonly backend: string | undefined;
  readonly syscall: string | undefined;
  readonly errno: number | undefined;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    const own = ownProperties(options, 'options');
    super(message, 'cause' in own ? { cause: own.cause } : undefined);
    this.name = 'SecureMemoryError';
    this.code = code;
    this.kind = ERROR_KINDS[code];
    this.operation = own.operation;
    this.backend = own.backend;
    this.syscall = own.syscall;
    this.errno = own.errno;
    this.details = own.details ?? {};
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** True for an error of any copy of this package, and of the given code where one is given. */
export function isSecureMemoryError(value: unknown, code?: ErrorCode): value is SecureMemoryError {
  if (typeof value !== 'object' || value === null) return false;
  if ((value as Record<symbol, unknown>)[BRAND] !== true) return false;
  return code === undefined || (value as SecureMemoryError).code === code;
}
