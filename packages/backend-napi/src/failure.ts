import type { ErrorCode } from '@securemem/core/contract';
import { BackendErrors } from '@securemem/over-ffi/errors';
import { type Asked, explain, mapLimitVerdict, type Refused } from '@securemem/over-ffi/refusal';
import { rulesHere } from '@securemem/over-ffi/refusal-rules';
import type { Binding } from './binding.js';
import { surroundings } from './native-limits.js';
import { Status } from './status.js';

/** The name of this backend in errors and receipts. */
export const BACKEND_NAME = 'napi';

export const errors = new BackendErrors(BACKEND_NAME);

/** In the order of `Asks` in native/status.h. */
const ASKS: readonly Asked[] = ['lock', 'hidden-lock', 'memory', 'address-space', 'descriptor'];

/** What a status means to a caller. Those that are no operating errors, and those of the system, are missing. */
const MEANINGS: { readonly [status: number]: readonly [ErrorCode, string] } = {
  [Status.closed]: ['ERR_SECMEM_CLOSED', 'the backend is closed'],
  [Status.disposed]: ['ERR_SECMEM_DISPOSED', 'no live region of this backend has this id'],
  [Status.notSupported]: ['ERR_SECMEM_NOT_SUPPORTED', 'this system cannot do it'],
  [Status.outOfMemory]: ['ERR_SECMEM_OUT_OF_MEMORY', 'no memory is left'],
  [Status.unsealFailed]: ['ERR_SECMEM_UNSEAL_FAILED', 'the tag does not match'],
  [Status.noExternalBuffers]: [
    'ERR_SECMEM_NOT_SUPPORTED',
    'this runtime has no buffers over memory that is not its own',
  ],
  [Status.keyInvalid]: ['ERR_SECMEM_KEY_INVALID', 'the bytes are no private key of this type'],
  [Status.peerInvalid]: [
    'ERR_SECMEM_PEER_INVALID',
    'the public key of the peer is no point of the curve, or one that agrees on nothing',
  ],
  [Status.failed]: ['ERR_SECMEM_PLATFORM', 'the library of the runtime refused to calculate'],
  [Status.inUse]: ['ERR_SECMEM_IN_USE', 'a view of the region may still be in use'],
};

/** What the addon has kept of its last failure. */
function lastFailure(binding: Binding) {
  const numbers = new Float64Array(6);
  const syscall = binding.failure(numbers);
  const [errno = 0, asks = 0, requested = 0, mappings = 0, mappingsMax = 0, mappingsReserved = 0] =
    numbers;
  const refused: Refused = { syscall, errno, asksFor: ASKS[asks] as Asked };
  return { refused, requested, mappings, mappingsMax, mappingsReserved };
}

/** The call that the system refused last. */
export function lastRefusal(binding: Binding): Refused {
  return lastFailure(binding).refused;
}

/** The error that a status stands for; to be made at once, before another call replaces what the addon has kept. */
export function failure(binding: Binding, status: number, operation: string): Error {
  if (status === Status.badType) {
    return new TypeError(`${operation}: a region is a number, bytes are an ordinary Uint8Array`);
  }
  if (status === Status.badRange) {
    return new RangeError(`${operation}: lengths are integers and ranges lie inside the region`);
  }
  if (status === Status.refused) {
    const { refused, requested } = lastFailure(binding);
    const { syscall, errno } = refused;
    const verdict = explain(refused, requested, rulesHere(), surroundings(binding));
    const { code, message, details } = verdict;
    return errors.system(code, operation, syscall, errno, message, details);
  }
  if (status === Status.mapLimit) {
    // Nothing was refused: the call was not made.
    const { requested, mappings, mappingsMax, mappingsReserved } = lastFailure(binding);
    const { code, message, details } = mapLimitVerdict(requested, mappings, mappingsMax);
    return errors.own(code, operation, message, { ...details, mappingsReserved });
  }
  const [code, message] = MEANINGS[status] ?? ['ERR_SECMEM_PLATFORM', `unknown status ${status}`];
  return errors.own(code, operation, message);
}
