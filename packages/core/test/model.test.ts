import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSecureMemoryError, type Lease, type Secret } from '../src/index.js';
import { createFakeKernel } from '../src/testing/index.js';
import { open } from './fixture.js';

/** In each of four modes. Real memory, phases, sealing and waiting are held against a fuller model by the acceptance tests. */
const STEPS = process.env['SECUREMEM_PROOF'] === 'full' ? 250_000 : 2_500;
const STEPS_PER_RUN = 100;

/** One secret as the model knows it. */
interface Known {
  secret: Secret;
  content: Uint8Array;
  leases: Lease[];
}

interface World {
  live: Known[];
  gone: { secret: Secret; lease?: Lease }[];
}

type Step =
  | { do: 'allocate'; byteLength: number; fill: number }
  | { do: 'allocateAll'; byteLengths: number[]; fill: number }
  | { do: 'write'; at: number; fill: number }
  | { do: 'read' | 'dispose' | 'lend' | 'release' | 'stale'; at: number }
  | { do: 'resize'; at: number; byteLength: number }
  | { do: 'limit'; pages: number }
  | { do: 'fail'; operation: 'map' | 'protect' | 'unmap' | 'openView'; on: number }
  | { do: 'purge' | 'verify' | 'turn' };

const byteLength = fc.oneof(
  fc.constantFrom(1, 15, 16, 17, 31, 32, 33, 64, 2047, 2048, 2049, 4095, 4096, 4097, 8192),
  fc.integer({ min: 1, max: 10_000 }),
);
const at = fc.nat({ max: 1_000 });
const fill = fc.integer({ min: 1, max: 255 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('allocate' as const), byteLength, fill }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('allocateAll' as const),
      byteLengths: fc.array(byteLength, { minLength: 1, maxLength: 5 }),
      fill,
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('write' as const), at, fill }) },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'read' as const,
        'dispose' as const,
        'dispose' as const,
        'lend' as const,
        'release' as const,
        'stale' as const,
      ),
      at,
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('resize' as const), at, byteLength }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('limit' as const),
      pages: fc.integer({ min: 0, max: 32 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('fail' as const),
      operation: fc.constantFrom(
        'map' as const,
        'protect' as const,
        'unmap' as const,
        'openView' as const,
      ),
      on: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('purge' as const, 'verify' as const, 'turn' as const, 'turn' as const),
    }),
  },
);

/** Runs `fn`; an operating error counts as "nothing happened", anything else fails the test. */
function attempt<T>(fn: () => T): T | undefined {
  try {
    return fn();
  } catch (error) {
    if (!isSecureMemoryError(error)) throw error;
    expect(['capacity', 'platform', 'misuse']).toContain(error.kind);
    return undefined;
  }
}

const pick = <T>(from: readonly T[], index: number): T | undefined => from[index % from.length];

describe.each([
  ['accessible', 'revocable'],
  ['no-access', 'revocable'],
  ['read-only', 'revocable'],
  ['accessible', 'none'],
] as const)('the allocator against a model, %s at rest, views %s', (atRest, views) => {
  it('keeps every content, shows no other, and counts exactly', { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: STEPS_PER_RUN, size: 'max' }),
        async (steps) => {
          const kernel = createFakeKernel({ lockLimit: { kind: 'bytes', byteLength: 65_536 } });
          const { memory, backend } = open({ kernel, atRest, capabilities: { views } });
          const world: World = { live: [], gone: [] };
          const know = (secret: Secret, value: number): void => {
            expect(secret.read((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
            secret.write((bytes) => bytes.fill(value));
            const content = new Uint8Array(secret.byteLength).fill(value);
            world.live.push({ secret, content, leases: [] });
          };
          for (const s of steps) {
            await run(s);
            expect(memory.stats().secrets).toBe(
              world.live.length +
                new Set(world.gone.filter((g) => g.lease).map((g) => g.secret)).size,
            );
            expect(memory.stats().primary.mappedByteLength).toBe(kernel.mappedByteLength);
          }
          backend.heal();
          for (const known of world.live) {
            const whole = known.secret.read((bytes) => Buffer.compare(bytes, known.content) === 0);
            expect(whole).toBe(true);
          }
          for (const known of [...world.live]) for (const lease of known.leases) lease.release();
          for (const { lease } of world.gone) lease?.release();
          await memory.close();
          expect(kernel.lockedByteLength).toBe(0);
          expect(kernel.regionCount).toBe(0);
          expect(kernel.violations).toEqual([]);

          async function run(s: Step): Promise<void> {
            switch (s.do) {
              case 'allocate': {
                const secret = attempt(() => memory.allocateSync(s.byteLength));
                if (secret !== undefined)
                  attempt(() => know(secret, s.fill)) ?? forgetHalfKnown(secret);
                return;
              }
              case 'allocateAll': {
                const before = memory.stats().secrets;
                const secrets = attempt(() => memory.allocateAllSync(s.byteLengths));
                if (secrets === undefined) expect(memory.stats().secrets).toBe(before);
                for (const secret of secrets ?? []) {
                  attempt(() => know(secret, s.fill)) ?? forgetHalfKnown(secret);
                }
                return;
              }
              case 'write': {
                const known = pick(world.live, s.at);
                if (known === undefined) return;
                const done = attempt(() => known.secret.write((bytes) => bytes.fill(s.fill)));
                if (done !== undefined) known.content.fill(s.fill);
                return;
              }
              case 'read': {
                const known = pick(world.live, s.at);
                attempt(() =>
                  known?.secret.read((bytes) =>
                    expect(Buffer.compare(bytes, known.content)).toBe(0),
                  ),
                );
                return;
              }
              case 'dispose': {
                const known = pick(world.live, s.at);
                if (known === undefined) return;
                known.secret.dispose();
                world.live.splice(world.live.indexOf(known), 1);
                world.gone.push({ secret: known.secret });
                for (const lease of known.leases) world.gone.push({ secret: known.secret, lease });
                return;
              }
              case 'lend': {
                const known = pick(world.live, s.at);
                const lease = attempt(() => known?.secret.lend());
                if (lease !== undefined) known?.leases.push(lease);
                return;
              }
              case 'release': {
                const known = pick(world.live, s.at);
                const lease = known?.leases.pop();
                if (lease !== undefined && known !== undefined) {
                  expect(Buffer.compare(lease.bytes, known.content)).toBe(0);
                  lease.release();
                  expect(lease.bytes.length).toBe(0);
                }
                const gone = pick(
                  world.gone.filter((g) => g.lease !== undefined),
                  s.at,
                );
                if (gone?.lease !== undefined) {
                  gone.lease.release();
                  delete gone.lease;
                }
                return;
              }
              case 'stale': {
                const gone = pick(world.gone, s.at);
                if (gone === undefined) return;
                expect(gone.secret.disposed).toBe(true);
                expect(() => gone.secret.read(() => 0)).toThrow(/gone/);
                gone.secret.dispose();
                return;
              }
              case 'resize': {
                const known = pick(world.live, s.at);
                if (known === undefined) return;
                const done = attempt(() => {
                  known.secret.resize(s.byteLength);
                  return true;
                });
                if (done === undefined) return;
                const content = new Uint8Array(s.byteLength);
                content.set(known.content.subarray(0, s.byteLength));
                known.content = content;
                return;
              }
              case 'limit':
                kernel.setLockLimit({ kind: 'bytes', byteLength: s.pages * 4096 });
                return;
              case 'fail':
                backend.fail(s.operation, { on: s.on });
                return;
              case 'purge':
                memory.purge();
                for (const known of world.live) {
                  world.gone.push({ secret: known.secret });
                  for (const lease of known.leases) lease.release();
                }
                for (const gone of world.gone) {
                  gone.lease?.release();
                  delete gone.lease;
                }
                world.live = [];
                return;
              case 'verify':
                attempt(() => expect(memory.verify().secrets).toBe(memory.stats().secrets));
                return;
              case 'turn':
                await new Promise((resolve) => setImmediate(resolve));
            }
          }
          function forgetHalfKnown(secret: Secret): void {
            if (!world.live.some((known) => known.secret === secret)) secret.dispose();
          }
        },
      ),
      { numRuns: Math.ceil(STEPS / STEPS_PER_RUN) },
    );
  });
});
