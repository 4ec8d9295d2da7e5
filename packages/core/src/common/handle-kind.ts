import { types } from 'node:util';

/**
 * Handles are recognised by their private fields, which another copy of this package cannot read: `import` and `require`
 * load one copy each, and so may two versions. The kind of a handle says to every copy what it is, so that the error can.
 */
const KIND = Symbol.for('securemem.handle');

/** Marks every handle of a class. On the prototype, where it shows in no listing and in no declaration. */
export function markKind(prototype: object, kind: string): void {
  Object.defineProperty(prototype, KIND, { value: kind });
}

/**
 * The error for a value that is no such handle, made of nothing but what kind of value it is. `expected` begins with its
 * article, and `name` is the parameter.
 */
export function notA(expected: string, name: string, value: unknown): TypeError {
  return new TypeError(`${name} must be ${expected}, not ${described(value)}`);
}

function described(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (types.isUint8Array(value)) return 'a Uint8Array';
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object') return `a ${typeof value}`;
  if (types.isProxy(value)) return 'a Proxy, behind which a handle cannot be recognised';
  if (types.isPromise(value)) return 'a promise: await it first';
  const kind = (value as Record<symbol, unknown>)[KIND];
  if (typeof kind !== 'string') return 'an object';
  return `${kind} of another copy of @securemem/core: two are loaded here, by import and by require or in two versions`;
}
