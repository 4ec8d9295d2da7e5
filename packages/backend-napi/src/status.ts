/** What the addon answers; the same numbers as `native/status.h`. */
export const Status = {
  ok: 0,
  badType: 1,
  badRange: 2,
  closed: 3,
  disposed: 4,
  notSupported: 5,
  lockLimit: 6,
  mapLimit: 7,
  outOfMemory: 8,
  denied: 9,
  cannotRaise: 10,
  platform: 11,
  unsealFailed: 12,
  noExternalBuffers: 13,
  inUse: 14,
} as const;
