import { repetitions } from '@securemem/proof';
import { describe, expect, it } from 'vitest';
import { ended, runScenario } from '../src/run-scenario.js';

const execArgv = ['--expose-gc'];

describe.each(['koffi', 'napi', 'napi-mlock'])('lifetimes across native calls, %s', (backend) => {
  for (const [what, count] of [
    ['a view', 1],
    ['an array of views', 3],
  ] as const) {
    it(`G7 memory under ${what} stays put until the call settles, though all that refers to it was dropped`, async (context) => {
      const times = repetitions(200);
      const scenario = { execArgv, options: { repetitions: times, count } };
      const outcome = await runScenario(context, 'lifetimes:collected', backend, scenario);
      expect(ended(outcome)).toEqual({ right: times, secrets: 0, openAccesses: 0, locked: 0 });
    }, 120_000);
  }

  it('G7 shows what a lease is for: once it is released the call reads what comes next', async (context) => {
    const outcome = await runScenario(context, 'lifetimes:unleased', backend, { execArgv });
    expect(ended(outcome)).toEqual({ right: false });
  });

  it('G10 300 leases under calls of koffi, a few at a time: 300 of 300', async (context) => {
    const scenario = { execArgv, options: { calls: 300, atATime: 60 } };
    const outcome = await runScenario(context, 'lifetimes:limited', backend, scenario);
    expect(ended(outcome)).toEqual({ right: 300, secrets: 0, openAccesses: 0, locked: 0 });
  });

  it('G10 koffi refuses calls above its own maximum, and their leases are given back', async (context) => {
    type Result = { right: number; refused: number };
    const scenario = { options: { calls: 300 } };
    const outcome = await runScenario<Result>(context, 'lifetimes:unlimited', backend, scenario);
    const result = ended(outcome);
    expect(result).toMatchObject({ secrets: 0, openAccesses: 0 });
    expect(result.right + result.refused).toBe(300);
    expect(result.refused).toBeGreaterThan(0);
  });

  it('G6 close() waits for calls in flight, refuses new work, and is one promise', async (context) => {
    const scenario = { execArgv };
    const outcome = await runScenario(context, 'lifetimes:closeInFlight', backend, scenario);
    expect(ended(outcome)).toEqual({
      samePromise: true,
      refused: 'ERR_SECMEM_CLOSED',
      used: 'ERR_SECMEM_CLOSED',
      right: 10,
      stayed: true,
      report: { secretsReleased: 1, byteLengthLeftMapped: 0 },
      locked: 0,
    });
  });

  it('G6 close() that must not wait says what is open, and frees nothing underneath', async (context) => {
    const scenario = { execArgv, options: { waitMsMax: 20 } };
    const outcome = await runScenario(context, 'lifetimes:closeInFlight', backend, scenario);
    expect(ended(outcome)).toMatchObject({
      late: { code: 'ERR_SECMEM_WAIT_TIMEOUT', open: 10 },
      right: 10,
      stayed: true,
      report: { secretsReleased: 1, byteLengthLeftMapped: 0 },
      locked: 0,
    });
  });

  it('G1 loads that fail half-way leave nothing, over and over', async (context) => {
    const times = repetitions(1000);
    const scenario = { options: { repetitions: times } };
    type Result = { failures: number; peak: number; locked: number };
    const outcome = await runScenario<Result>(context, 'lifetimes:partialLoads', backend, scenario);
    const { failures, peak, locked } = ended(outcome);
    expect({ failures, locked }).toEqual({ failures: times, locked: 0 });
    expect(peak).toBeLessThanOrEqual(64 * 1024);
  });

  it('G8 reports every handle that was dropped, with where it was made, and frees none', async (context) => {
    const scenario = { execArgv, options: { leakDetection: 'all', count: 5 } };
    const outcome = await runScenario(context, 'lifetimes:leaks', backend, scenario);
    expect(ended(outcome)).toEqual({
      reports: 5,
      counted: 5,
      named: 5,
      secrets: 6,
      leaseWorks: true,
      freed: false,
      left: 0,
      locked: 0,
    });
  });

  it('G8 reports a sample of them unless told, and none where it is off', async (context) => {
    type Result = { reports: number; secrets: number; named: number };
    const run = async (leakDetection: string) => {
      const scenario = { execArgv, options: { leakDetection, count: 1280 } };
      return ended(await runScenario<Result>(context, 'lifetimes:leaks', backend, scenario));
    };
    const sampled = await run('sampled');
    expect(sampled.reports).toBeGreaterThanOrEqual(1);
    expect(sampled.reports).toBeLessThanOrEqual(1280 / 8);
    expect(sampled).toMatchObject({ secrets: 1281, named: 0 });
    expect(await run('off')).toMatchObject({ reports: 0, secrets: 1281 });
  });
});
