import { inspect } from 'node:util';

/** All that is ever shown of a secret. Not even its length. */
export const REDACTED = '[Secret: redacted]';

/**
 * The value of each secret's own `toJSON` property. An own property that holds a function makes `structuredClone`,
 * `postMessage` and `v8.serialize` throw a DataCloneError, where an object without one would be cloned into an empty
 * object in silence; and this one name serves JSON as well. That error shows the function as it is written, so what to do is
 * written into it: as a directive, which builds leave where it is.
 */
export function toJSON(): string {
  'a secret cannot be cloned or posted: load it in that thread';
  return REDACTED;
}

let lastId = 0;

/**
 * Gives a handle an `id` of its own, if it has none yet, and returns its tag. All else of a handle is private, so whoever
 * compares structure would find any two of them equal. Whoever does asks both for their tags first (Node's `assert`, chai, the
 * test runners, lodash), so the id is made then: a field more in each handle made allocating and disposing one 6 % slower.
 */
function tagged(handle: object, tag: string): string {
  if (!Object.hasOwn(handle, 'id')) {
    Reflect.defineProperty(handle, 'id', { value: ++lastId, enumerable: true });
  }
  return tag;
}

/** What all handles have, each with a `toJSON` of its own. */
interface Handle {
  toJSON(): string;
}

/**
 * Makes the objects of a class handles: they show what their `toJSON` gives and nothing else, and are neither equal to each
 * other nor bytes. `tag` is what minifying must not change; a class with heirs has their names instead.
 *
 * Whoever asks a handle for a length takes it for bytes or for a list. Without one it would be an empty list to
 * `new Uint8Array(handle)`, `Array.from(handle)` and `bytes.set(handle)`, and so an empty key. An iterator that throws is not
 * needed besides: spreading a handle is a `TypeError` of the language.
 *
 * `valueOf` is what every object has, and yet a function of our own: comparers that find the inherited one
 * (`fast-deep-equal`) go by `toString`, which is the same for all.
 */
export function makeHandles(prototype: object, what: string, tag?: string): void {
  Object.defineProperties(prototype, {
    length: {
      get(): never {
        throw new TypeError(
          `${what} is no bytes and no list, and has no length: read(), lend() and exportCopy() of a secret give bytes`,
        );
      },
    },
    valueOf: {
      value(): unknown {
        return this;
      },
    },
    [Symbol.toStringTag]: {
      get(this: object): string {
        return tagged(this, tag ?? this.constructor.name);
      },
      configurable: true,
    },
    // Where Node's console looks for a way to show an object.
    [inspect.custom]: {
      value(this: Handle): string {
        return this.toJSON();
      },
      configurable: true,
    },
  });
}
