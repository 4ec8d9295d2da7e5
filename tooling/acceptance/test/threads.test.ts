import { describe, expect, it, type TestContext } from 'vitest';
import { ended, runScenario } from '../src/run-scenario.js';

const LIMIT = 65_536;

interface Shared {
  reports: { succeeded: number; failures: string[]; waits: number }[];
  peak: number;
  lockedAfter: number;
}
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

  it('A15 a thread that purges and ends has given everything back, without a hook at its end', async (context) => {
    const options = { options: { by: 'purge' } };
    const result = ended(await runScenario<Ended>(context, 'threads:ends', backend, options));
    expect(result).toMatchObject({ grew: true, after: 0, copies: 0 });
  });

  it('A15 worker.terminate() in mid-use: wiped where the receipt says wiped, kept where it says kept', async (context) => {
    const options = { options: { by: 'terminate' } };
    const result = ended(await runScenario<Ended>(context, 'threads:ends', backend, options));
    expect(result.grew).toBe(true);
    if (result.threadExit === 'wiped') expect(result).toMatchObject({ after: 0, copies: 0 });
    else expect(result.after).toBeGreaterThan(0);
  });

  const share = async (context: TestContext, options: Record<string, unknown>) =>
    ended(
      await runScenario<Shared>(context, 'threads:share', backend, { memlock: LIMIT, options }),
    );

  it('A14 two threads with two allocators each share one limit: no failure, never past it', async (context) => {
    const { reports, peak, lockedAfter } = await share(context, { jobs: 40 });
    expect(reports.map(({ succeeded }) => succeeded)).toEqual([80, 80]);
    expect(reports.flatMap(({ failures }) => failures)).toEqual([]);
    for (const { waits } of reports) expect(waits).toBeGreaterThan(0);
    expect(peak).toBeLessThanOrEqual(LIMIT);
    expect(lockedAfter).toBe(0);
  });

  it('A14 control: without waiting the same threads are refused', async (context) => {
    const { reports, lockedAfter } = await share(context, { jobs: 40, onCapacity: 'throw' });
    const failures = reports.flatMap((report) => report.failures);
    expect(failures.length).toBeGreaterThan(0);
    expect([...new Set(failures)]).toEqual(['ERR_SECMEM_LOCK_LIMIT']);
    expect(lockedAfter).toBe(0);
  });

  it('D2 eight threads and the main one serve their bursts alike: nobody times out, at most 3 to 1', async (context) => {
    type Fair = { served: number[]; failures: string[]; lockedAfter: number };
    const options = { memlock: LIMIT, options: { enough: 4_500 } };
    const result = ended(await runScenario<Fair>(context, 'threads:fair', backend, options));
    expect(result).toMatchObject({ failures: [], lockedAfter: 0 });
    expect(Math.max(...result.served) / Math.min(...result.served)).toBeLessThanOrEqual(3);
  });
});
