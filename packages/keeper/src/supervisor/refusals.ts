import { SecureMemoryError } from '@securemem/core';
import { crashOf } from './crash-report.js';

/** The errors of calls that were not sent: nothing happened in the keeper, and repeating them is safe. */

/** For whatever is refused after a crash that ended this keeper for good. */
export function refusal(
  state: 'halted' | 'lost',
  operation: string,
  cause: Error,
): SecureMemoryError {
  const details = { crash: crashOf(cause) };
  return state === 'halted'
    ? new SecureMemoryError(
        'ERR_SECMEM_KEEPER_HALTED',
        `halted by the crash policy: ${cause.message}`,
        { operation, details, cause },
      )
    : new SecureMemoryError(
        'ERR_SECMEM_KEEPER_LOST',
        `this keeper and its secrets are lost: ${cause.message}`,
        { operation, details, cause },
      );
}

/** After `close()`. */
export function closed(operation: string): SecureMemoryError {
  return new SecureMemoryError('ERR_SECMEM_CLOSED', 'the keeper is closed', { operation });
}

/** One call more than `callsMax`. */
export function queueFull(operation: string, open: number): SecureMemoryError {
  return new SecureMemoryError(
    'ERR_SECMEM_QUEUE_FULL',
    `${open} calls are open or waiting, which is the maximum (callsMax)`,
    { operation, details: { limit: 'queue', callsMax: open } },
  );
}

/** No keeper took the call in the time that a call may take. */
export function waitTimeout(operation: string, waitedMs: number): SecureMemoryError {
  return new SecureMemoryError(
    'ERR_SECMEM_WAIT_TIMEOUT',
    `${operation} waited ${waitedMs} ms for a keeper that takes calls; it was not carried out`,
    { operation, details: { limit: 'wait', waitedMs } },
  );
}

/**
 * For a call marked idempotent that was in a keeper when it died, and that no later life took: it may have been carried
 * out, so none of the errors above would be true. `why` is what became of its wait.
 */
export function notRepeated(operation: string, crash: Error, why: Error): SecureMemoryError {
  const { code } = crash as SecureMemoryError;
  return new SecureMemoryError(
    code,
    `${operation} may have been carried out by a keeper that ended, and could not be sent again: ${why.message}`,
    { operation, details: { crash: crashOf(crash) }, cause: crash },
  );
}
