import { describe, expect, it } from 'vitest';
import { requirements, runConformanceIsolated } from '../src/index.js';
import { bugs } from './outsider/bugs/index.mjs';
import { variants } from './outsider/variants.mjs';

/** The same random sequences every time. */
const SEED = 20;
/** The whole suite against every bug takes a quarter of an hour; `npm run test:full` sets this. */
const full = process.env['SECUREMEM_PROOF'] === 'full';
/** A hanging backend is ended after this; others never take a tenth of it. */
const HANG_MS_MAX = 5000;

const subject = (query: string): URL => new URL(`outsider/subject.mjs${query}`, import.meta.url);

/** In `npm test` one bug for each requirement that owns any, and those that the suite once let pass. */
const ONCE_PASSED = [
  'dump-first-page',
  'dump-first-page-core',
  'fork-first-page',
  'lock-one-page-short',
  'lock-on-fault',
  'unmap-wipes-open-only',
  'address-in-refused-protect',
  'address-in-details-of-map',
  'hangs-in-a-child',
];
const names = Object.keys(bugs);
const firstOfOwner = names.filter(
  (name, index) => names.findIndex((other) => bugs[other]?.owner === bugs[name]?.owner) === index,
);
const chosen = full
  ? names
  : names.filter((name) => firstOfOwner.includes(name) || ONCE_PASSED.includes(name));

describe.runIf(process.platform === 'linux')(
  'a backend that was written from the docs alone',
  () => {
    it('N1 passes the suite, and what is not proven names what this machine lacks', async () => {
      const report = await runConformanceIsolated({ module: subject(''), seed: SEED });
      expect(report.results.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
      expect(report.results.map(({ id }) => id)).toEqual(requirements.map(({ id }) => id));
    }, 900_000);

    for (const name of Object.keys(variants)) {
      it(`N10 passes with another mechanism that is as good: ${name}`, async (context) => {
        const only = [
          'map-guards',
          'map-read-write',
          'inspect-true',
          'inspect-asks',
          'dump-flag',
          'fork-flag',
          'lock-whole-region',
          'protect-whole-region',
          'calls-leave-nothing',
        ];
        const module = subject(`?variant=${name}`);
        const report = await runConformanceIsolated({ module, seed: SEED, only }).catch(
          (error) => error,
        );
        if (report instanceof Error && /no guard markers/.test(report.message)) {
          return context.skip('not proven: this kernel has no guard markers (Linux 6.13 has)');
        }
        expect(
          report.results.filter((one: { outcome: string }) => one.outcome === 'failed'),
        ).toEqual([]);
      }, 600_000);
    }
  },
);

describe.runIf(process.platform === 'linux')(
  'a bug in one step is rejected by the requirement that points at it',
  () => {
    it('N1 knows a hundred bugs, and no requirement of theirs that the suite does not have', () => {
      expect(names.length).toBeGreaterThanOrEqual(60);
      const ids = requirements.map(({ id }) => id);
      expect(Object.values(bugs).filter(({ owner }) => !ids.includes(owner))).toEqual([]);
    });

    for (const name of chosen) {
      const owner = bugs[name]?.owner ?? '';
      it(
        `N1 ${name}: rejected by ${owner}`,
        async (context) => {
          const hangs = name.startsWith('hangs-');
          const report = await runConformanceIsolated({
            module: subject(`?bug=${name}`),
            seed: SEED,
            ...(full && !hangs ? {} : { only: [owner] }),
            ...(hangs ? { timeLimitMs: HANG_MS_MAX } : {}),
          });
          const result = report.results.find(({ id }) => id === owner);
          if (result?.outcome === 'not proven') {
            // What the backend itself broke is never that: only a lack of this machine is.
            expect(result.reason).toMatch(/needs |core_pattern|seccomp|slow or busy|may lock/);
            return context.skip(`not proven: ${result.reason}`);
          }
          expect(result?.outcome).toBe('failed');
        },
        full ? 900_000 : 300_000,
      );
    }
  },
);

describe('options of a run', () => {
  it('N13 runs the requirements that are named, and explains a name that does not exist', async () => {
    const report = await runConformanceIsolated({
      module: subject(''),
      only: ['misuse-range', 'map-zeroed'],
    });
    expect(report.results.map(({ id }) => id)).toEqual(['map-zeroed', 'misuse-range']);
    await expect(
      runConformanceIsolated({ module: subject(''), only: ['dump-flg'] }),
    ).rejects.toThrow(
      'no requirement is called dump-flg; those about dump are dump-flag, dump-flag-survives, dump-core-file, dump-kernel-hidden',
    );
  }, 120_000);
});
