/** What the addon answers; the same numbers as `native/status.h`. */
export const Status = {
  ok: 0,
  badType: 1,
  badRange: 2,
  closed: 3,
  disposed: 4,
  notSupported: 5,
  refused: 6,
  mapLimit: 7,
  outOfMemory: 8,
  unsealFailed: 9,
  noExternalBuffers: 10,
  inUse: 11,
  keyInvalid: 12,
  peerInvalid: 13,
  failed: 14,
} as const;
