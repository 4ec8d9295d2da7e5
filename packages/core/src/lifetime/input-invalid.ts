import { type ErrorDetails, isSecureMemoryError, SecureMemoryError } from '../contract/errors.js';

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

/** The same error with the name of another call: a parser that serves several does not know for which it works. */
export function saidBy(operation: string, error: unknown): unknown {
  if (!isSecureMemoryError(error, 'ERR_SECMEM_INPUT_INVALID')) return error;
  const before = `${error.operation}: `;
  if (error.operation === operation || !error.message.startsWith(before)) return error;
  const { reason, ...more } = error.details;
  return inputInvalid(operation, error.message.slice(before.length), String(reason), more);
}
