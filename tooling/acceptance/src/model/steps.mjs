import fc from 'fast-check';

/** The edges of size classes, of pages and of the routing boundary are worth more than other lengths. */
const byteLength = fc.oneof(
  fc.constantFrom(1, 15, 16, 17, 32, 33, 64, 2047, 2048, 2049, 4095, 4096, 4097, 8192),
  fc.integer({ min: 1, max: 600 }),
  fc.integer({ min: 1, max: 10_000 }),
);

/** Every kind of step and how often it comes. */
const WEIGHTS = {
  allocate: 14,
  allocateAll: 3,
  adopt: 4,
  random: 2,
  wait: 5,
  abort: 1,
  read: 8,
  write: 6,
  copyFrom: 3,
  equals: 1,
  lend: 6,
  writeLease: 3,
  release: 8,
  resize: 8,
  dispose: 14,
  stale: 2,
  seal: 3,
  open: 4,
  disposeSealed: 2,
  phase: 2,
  keep: 2,
  endPhase: 2,
  within: 4,
  escape: 0.5,
  aliasesDie: 0.4,
  limit: 1,
  purge: 0.5,
  verify: 0.5,
  listen: 10,
  turn: 3,
};

/** How a view may fail to come back, and the calls of the contract that are made to fail in some steps. `wipe` is not among
 *  them: after it nothing can be said of the bytes. */
export const FAULTS = ['map', 'protect', 'unmap', 'openView', 'read', 'write', 'seal', 'unseal'];

const weighted = Object.entries(WEIGHTS).map(([name, weight]) => ({
  weight: weight * 10,
  arbitrary: fc.constant(name),
}));

const fault = fc.record({
  operation: fc.constantFrom(...FAULTS),
  on: fc.integer({ min: 1, max: 3 }),
});

/** One step. What `at`, `other` and `flag` choose depends on its kind. */
export const step = fc.record({
  do: fc.oneof(...weighted),
  at: fc.nat({ max: 1_000 }),
  other: fc.nat({ max: 1_000 }),
  byteLength,
  flag: fc.boolean(),
  fault: fc.oneof(
    { weight: 9, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fault },
  ),
});
