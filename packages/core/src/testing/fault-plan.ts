import { type ErrorCode, SecureMemoryError, type ViewOutcome } from '../contract/index.js';

/** Operations that can be made to fail. Closing a view never throws, so its outcome is planned instead. */
export type FaultyOperation =
  | 'lockLimit'
  | 'raiseLockLimit'
  | 'lockedByteLength'
  | 'map'
  | 'protect'
  | 'wipe'
  | 'read'
  | 'write'
  | 'openView'
  | 'inspect'
  | 'unmap'
  | 'seal'
  | 'unseal'
  | 'sign'
  | 'signLater'
  | 'publicKey'
  | 'agree'
  | 'openKey'
  | 'environmentByteLength'
  | 'takeEnvironment';

/** Which calls fail, and with what. */
export interface FaultPlan {
  /** Which call fails, counted from the moment of planning: 1 (the default) is the next one. */
  readonly on?: number;
  /** How many calls fail in a row from there. 1 unless told; Infinity for all. */
  readonly times?: number;
  /** What is thrown. A fresh error of the contract for this operation unless told. */
  readonly error?: () => Error;
}

/** Which views are not given back, and how. */
export interface ViewOutcomePlan {
  readonly on?: number;
  readonly times?: number;
  readonly outcome: Exclude<ViewOutcome, 'revoked'>;
}

const DEFAULT_CODES: Readonly<Record<FaultyOperation, ErrorCode>> = {
  lockLimit: 'ERR_SECMEM_PLATFORM',
  raiseLockLimit: 'ERR_SECMEM_CANNOT_RAISE',
  lockedByteLength: 'ERR_SECMEM_PLATFORM',
  map: 'ERR_SECMEM_LOCK_LIMIT',
  protect: 'ERR_SECMEM_PLATFORM',
  wipe: 'ERR_SECMEM_PLATFORM',
  read: 'ERR_SECMEM_PLATFORM',
  write: 'ERR_SECMEM_PLATFORM',
  openView: 'ERR_SECMEM_PLATFORM',
  inspect: 'ERR_SECMEM_PLATFORM',
  unmap: 'ERR_SECMEM_PLATFORM',
  seal: 'ERR_SECMEM_PLATFORM',
  unseal: 'ERR_SECMEM_UNSEAL_FAILED',
  sign: 'ERR_SECMEM_PLATFORM',
  signLater: 'ERR_SECMEM_PLATFORM',
  publicKey: 'ERR_SECMEM_PLATFORM',
  agree: 'ERR_SECMEM_PLATFORM',
  openKey: 'ERR_SECMEM_PLATFORM',
  environmentByteLength: 'ERR_SECMEM_PLATFORM',
  takeEnvironment: 'ERR_SECMEM_PLATFORM',
};

/** Linux's number for "no memory", which every memory call may give. */
const ENOMEM = 12;

/** What a call throws that a plan says fails. */
export function faultOf(
  operation: FaultyOperation,
  fault: FaultPlan,
  backend: string,
  requestedByteLength?: number,
): Error {
  if (fault.error !== undefined) return fault.error();
  return new SecureMemoryError(DEFAULT_CODES[operation], `Planned failure of ${operation}`, {
    operation,
    backend,
    syscall: 'planned',
    errno: ENOMEM,
    details:
      requestedByteLength === undefined
        ? {}
        : { limit: 'lock', requestedByteLength, remedy: 'Remove the planned failure.' },
  });
}
