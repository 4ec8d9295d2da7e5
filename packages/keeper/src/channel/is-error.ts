import { types } from 'node:util';

/** Whether a value is an error, of whatever realm: operations may run in a sandbox of their own. */
export function isError(value: unknown): value is Error {
  return types.isNativeError(value) || value instanceof Error;
}
