/**
 * Byte strings that stand for secrets. They are computed in place, byte by byte: nothing else in a machine has them, so each one
 * that is found came from where it was put.
 */

/** Who has a mark; each has one of its own. */
export const OWNERS = /** @type {const} */ ([
  'buffer',
  'koffi',
  'napi',
  'napi-hidden',
  'sealed',
  'released',
]);

/** @typedef {(typeof OWNERS)[number]} Owner */

export const MARK_BYTE_LENGTH = 32;

/** @param {Uint8Array} bytes at least 32 of them @param {Owner} owner */
export function putMark(bytes, owner) {
  const start = OWNERS.indexOf(owner) * 37 + 101;
  for (let at = 0; at < MARK_BYTE_LENGTH; at += 1) bytes[at] = ((start + at * 151) & 0xff) ^ 0xa5;
}
