import { repetitions } from '@securemem/proof';
import { describe, expect, it, type TestContext } from 'vitest';
import { ended, runScenario, type ScenarioOptions } from '../src/run-scenario.js';

const VIEWS = ['fake', 'koffi', 'napi', 'napi-mlock'];
const COPIES = ['nolock'];

const WAYS = {
  Z2: 'from phase to phase',
  Z3: 'of secrets that grow',
  Z5: 'from phases that are left by return, throw, rejection and abort',
  Z6: 'from phases that interleave',
  Z7: 'of secrets that are disposed',
};

interface Result {
  corrupted: number;
  shown: number;
}

const run = async (
  context: TestContext,
  backend: string,
  options: { way: string; revoke: boolean },
  execArgv: ScenarioOptions['execArgv'] = [],
): Promise<Result> => {
  // Simulated pages look through every view that was not revoked at each touch: two cycles show it, ten take minutes.
  const cycles = backend === 'fake' && !options.revoke ? 2 : repetitions(100);
  const given = { execArgv, options: { ...options, cycles } };
  return ended(await runScenario<Result>(context, 'retained:retained', backend, given));
};

describe.each([...VIEWS, ...COPIES])('what a library keeps, %s', (backend) => {
  for (const [way, what] of Object.entries(WAYS)) {
    it(`${way} corrupts nothing when it was kept ${what}`, async (context) => {
      const result = await run(context, backend, { way, revoke: true });
      expect(result).toEqual({ corrupted: 0, shown: 0 });
    });
  }
});

describe.each(VIEWS)('what a library keeps with revocation taken out, %s', (backend) => {
  for (const [way, what] of Object.entries(WAYS)) {
    it(`${way} control: corrupts others when it was kept ${what}`, async (context) => {
      const result = await run(context, backend, { way, revoke: false });
      expect(result.shown).toBeGreaterThan(0);
      expect(result.corrupted).toBeGreaterThan(0);
    });
  }
});

describe.each(COPIES)('what a library keeps with detaching taken out, %s', (backend) => {
  /** Before anything is imported: core takes what it detaches with at import. */
  const PATCH =
    'data:text/javascript,globalThis.structuredClone=(x)=>x;delete ArrayBuffer.prototype.transfer';

  it('Z7 control: a copy keeps its length, and being a copy reaches nobody', async (context) => {
    const result = await run(context, backend, { way: 'Z7', revoke: true }, ['--import', PATCH]);
    expect(result.shown).toBeGreaterThan(0);
    expect(result.corrupted).toBe(0);
  });
});
