import { MARK_BYTE_LENGTH, putMark } from './marks.mjs';

/** The mark of each owner, to search for. @param {readonly import('./marks.mjs').Owner[]} owners @returns {Readonly<Record<string, Uint8Array>>} */
export function needles(owners) {
  return Object.fromEntries(
    owners.map((owner) => {
      const bytes = new Uint8Array(MARK_BYTE_LENGTH);
      putMark(bytes, owner);
      return [owner, bytes];
    }),
  );
}
