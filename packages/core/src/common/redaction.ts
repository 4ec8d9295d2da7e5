import { inspect } from 'node:util';

/** All that is ever shown of a secret. Not even its length. */
export const REDACTED = '[Secret: redacted]';

/**
 * The value of each secret's own `toJSON` property. An own property that holds a function makes `structuredClone`,
 * `postMessage` and `v8.serialize` throw a DataCloneError, where an object without one would be cloned into an empty
 * object in silence; and this one name serves JSON as well.
 */
export function toJSON(): string {
  return REDACTED;
}

/** The key under which Node's console looks for a way to show an object. */
export const INSPECT: typeof inspect.custom = inspect.custom;
