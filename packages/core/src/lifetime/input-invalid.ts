import { type ErrorDetails, SecureMemoryError } from '../contract/errors.js';

/** Input that cannot become a secret. The message says what is wrong with it, never what it was. */
export function inputInvalid(
  operation: string,
  problem: string,
  reason: string,
  more: ErrorDetails = {},
): SecureMemoryError {
  return new SecureMemoryError('ERR_SECMEM_INPUT_INVALID', `${operation}: ${problem}`, {
    operation,
    details: { ...more, reason },
  });
}
