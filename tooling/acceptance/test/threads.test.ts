import { describe, expect, it } from 'vitest';
import { ended, runScenario } from '../src/run-scenario.js';

interface Ended {
  threadExit: 'wiped' | 'kept';
  grew: boolean;
  after: number;
  copies: number;
}

describe.each(['koffi', 'napi', 'napi-mlock'])('threads, %s', (backend) => {
  for (const by of ['end', 'exit']) {
    it(`A15 a thread that ends by ${by} leaves nothing locked and nothing readable`, async (context) => {
      const options = { options: { by } };
      const result = ended(await runScenario<Ended>(context, 'threads:ends', backend, options));
      expect(result).toMatchObject({ grew: true, after: 0, copies: 0 });
    });
  }

  it('A15 worker.terminate() in mid-use: wiped where the receipt says wiped, kept where it says kept', async (context) => {
    const options = { options: { by: 'terminate' } };
    const result = ended(await runScenario<Ended>(context, 'threads:ends', backend, options));
    expect(result.grew).toBe(true);
    if (result.threadExit === 'wiped') expect(result).toMatchObject({ after: 0, copies: 0 });
    else expect(result.after).toBeGreaterThan(0);
  });

  it('A14 two threads with two allocators each share one limit: no failure, never past it', async (context) => {
    type Result = {
      reports: { succeeded: number; failures: string[] }[];
      peak: number;
      lockedAfter: number;
    };
    const options = { memlock: 65_536, options: { jobs: 40 } };
    const result = ended(await runScenario<Result>(context, 'threads:share', backend, options));
    for (const report of result.reports) expect(report).toEqual({ succeeded: 80, failures: [] });
    expect(result.peak).toBeLessThanOrEqual(65_536);
    expect(result.lockedAfter).toBe(0);
  });
});
