import { repetitions } from '@securemem/proof';
import { describe, expect, it, type TestContext } from 'vitest';
import { ended, runScenario } from '../src/run-scenario.js';

/** Ten million under `test:full`; fifty thousand otherwise, which takes seconds. */
const WAITS = repetitions(10) === 10 ? 10_000_000 : 50_000;
/** Heap that may be more after all of them than before, in bytes: a tenth of a byte for each of ten million. */
const GROWTH_MAX = 1_048_576;

interface Waited {
  done: number;
  grown: number;
  aborts: number;
  timeouts: number;
}

describe('very many waits, napi', () => {
  const wait = async (context: TestContext, options: { waits: number; leak: boolean }) =>
    ended(
      await runScenario<Waited>(context, 'waits:many', 'napi', {
        execArgv: ['--expose-gc'],
        options,
      }),
    );

  it('A5 served, aborted and timed out, they leave no waiter, place, timer or heap behind', {
    timeout: 3_600_000,
  }, async (context) => {
    const result = await wait(context, { waits: WAITS, leak: false });
    expect(result).toMatchObject({ waiting: 0, secrets: 0, timers: 0, locked: 0 });
    expect(result.done).toBeGreaterThanOrEqual(WAITS);
    expect(result.aborts).toBeGreaterThan(WAITS / 20);
    expect(result.timeouts).toBeGreaterThan(WAITS / 200);
    expect(result.grown).toBeLessThan(GROWTH_MAX);
  });

  it('A5 control: keeping what each wait ended with shows in the heap', {
    timeout: 120_000,
  }, async (context) => {
    const result = await wait(context, { waits: 20_000, leak: true });
    expect(result.grown).toBeGreaterThan(GROWTH_MAX);
  });
});
