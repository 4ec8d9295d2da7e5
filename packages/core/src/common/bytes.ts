import { types } from 'node:util';

/**
 * Whether it is a Uint8Array, of whatever realm: `instanceof` would refuse the bytes of a sandbox or of jsdom, and take an
 * object that only has the prototype. A proxy around an array is none.
 */
export const isBytes: (value: unknown) => value is Uint8Array = types.isUint8Array;
