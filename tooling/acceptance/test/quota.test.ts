import { describe, expect, it, type TestContext } from 'vitest';
import { ended, runScenario } from '../src/run-scenario.js';

const LIMIT = 65_536;
const confined = { memlock: LIMIT };

interface Refusal {
  code: string;
  kind: string;
  backend: string;
  errno: number;
  details: Record<string, unknown>;
}
interface Propagated {
  succeeded: number;
  errors: Refusal[];
  runningPeak: number;
  lockedBefore: number;
  lockedAfter: number;
}
interface Stormed {
  succeeded: number;
  peak: number;
  waits: number;
  lockedAfter: number;
}

describe.each(['koffi', 'napi', 'napi-mlock'])(
  'the lock limit under concurrency, %s',
  (backend) => {
    const propagates = (context: TestContext, options: Record<string, unknown>) =>
      runScenario<Propagated>(context, 'quota:propagates', backend, { ...confined, options });

    for (const jobs of [20, 32, 40, 50]) {
      it(`A1 ${jobs} jobs of four pages each: typed errors, no crash, nothing kept`, async (context) => {
        const result = ended(await propagates(context, { jobs }));
        expect(result.succeeded + result.errors.length).toBe(jobs);
        expect(result.errors.length).toBeGreaterThan(0);
        for (const error of result.errors) {
          expect(error).toMatchObject({
            code: 'ERR_SECMEM_LOCK_LIMIT',
            kind: 'capacity',
            backend: backend.split('-')[0],
            errno: expect.any(Number),
            details: {
              limit: 'lock',
              requestedByteLength: expect.any(Number),
              inUseByteLength: expect.any(Number),
              limitByteLength: LIMIT,
            },
          });
        }
        expect(result.lockedAfter).toBe(result.lockedBefore);
      });
    }

    it('A1 control: where the policy is to abort, the same jobs kill the process', async (context) => {
      const { signal, stderr } = await propagates(context, { jobs: 20, onCapacity: 'abort' });
      expect(signal).toBe('SIGABRT');
      expect(stderr).toMatch(/^securemem: aborting: ERR_SECMEM_LOCK_LIMIT: /m);
    });

    it('A1 control: jobs that keep what they got when they are refused leave it locked', async (context) => {
      const result = ended(await propagates(context, { jobs: 20, keep: true }));
      expect(result.errors.length).toBeGreaterThan(0);
      expect(result.lockedAfter).toBeGreaterThan(result.lockedBefore);
    });

    it('X5 the limit shows when the jobs of one process are in flight together', async (context) => {
      const result = ended(await propagates(context, { jobs: 50 }));
      expect(result.runningPeak).toBe(50);
      expect(result.errors.length).toBeGreaterThan(0);
    });

    it('X5 control: one after another they all succeed, and hide it', async (context) => {
      const result = ended(await propagates(context, { jobs: 10, oneByOne: true }));
      expect(result).toMatchObject({ runningPeak: 1, succeeded: 10, errors: [] });
    });

    it('A2 the same load waits: 50 of 50, the limit is used and never passed', async (context) => {
      const options = { ...confined, options: { jobs: 50 } };
      const result = ended(await runScenario<Stormed>(context, 'quota:waits', backend, options));
      expect(result.succeeded).toBe(50);
      expect(result.peak).toBeLessThanOrEqual(LIMIT);
      expect(result.peak).toBeGreaterThanOrEqual(49_152);
      expect(result.waits).toBeGreaterThan(0);
      expect(result.lockedAfter).toBe(0);
    });

    it('A2 unconfined, our own budget holds the line that the kernel does not', async (context) => {
      const options = { options: { jobs: 50, budget: LIMIT } };
      const result = ended(await runScenario<Stormed>(context, 'quota:waits', backend, options));
      expect(result.succeeded).toBe(50);
      expect(result.peak).toBeLessThanOrEqual(LIMIT);
      expect(result.waits).toBeGreaterThan(0);
    });

    it('A2 control: unconfined and without a budget, nothing waits and the line is passed', async (context) => {
      const options = { options: { jobs: 50, budget: 1_048_576 } };
      const result = ended(await runScenario<Stormed>(context, 'quota:waits', backend, options));
      expect(result.waits).toBe(0);
      expect(result.peak).toBeGreaterThan(LIMIT);
    });

    it('A3 what a job holds across an await counts: never more than four regions, says the kernel', async (context) => {
      const outcome = await runScenario<{ peakPages: number }>(
        context,
        'quota:holdsTheLine',
        backend,
      );
      expect(ended(outcome).peakPages).toBe(4);
    });

    it('A4 A5 hold-and-wait times out, sets do not, aborts and timeouts leave no place behind', async (context) => {
      type Result = {
        inSequence: string[];
        asSet: number;
        aborted: unknown;
        timedOut: string;
        lockedAfter: number;
      };
      const result = ended(
        await runScenario<Result>(context, 'quota:neverHangs', backend, confined),
      );
      expect(result.inSequence.length).toBeGreaterThan(0);
      for (const code of result.inSequence) expect(code).toBe('ERR_SECMEM_WAIT_TIMEOUT');
      expect(result).toMatchObject({
        asSet: 4,
        aborted: 'gone',
        timedOut: 'ERR_SECMEM_WAIT_TIMEOUT',
        lockedAfter: 0,
      });
    });

    it('A12 more than the whole limit is refused at once and queues nothing', async (context) => {
      type Result = { code: string; details: object; waited: number };
      const outcome = await runScenario<Result>(
        context,
        'quota:refusesTheImpossible',
        backend,
        confined,
      );
      expect(ended(outcome)).toMatchObject({
        code: 'ERR_SECMEM_TOO_LARGE',
        details: { limit: 'lock', limitByteLength: LIMIT },
        waited: 0,
      });
    });

    it('A14 two allocators under one limit serve everything and give pages back to each other', async (context) => {
      type Result = {
        succeeded: number;
        maps: number[];
        unmaps: number[];
        peak: number;
        lockedAfter: number;
      };
      const options = { ...confined, options: { jobs: 50 } };
      const result = ended(
        await runScenario<Result>(context, 'quota:twoAllocators', backend, options),
      );
      expect(result.succeeded).toBe(100);
      for (const maps of result.maps) expect(maps).toBeGreaterThan(0);
      for (const unmaps of result.unmaps) expect(unmaps).toBeGreaterThan(0);
      expect(result.peak).toBeLessThanOrEqual(LIMIT);
      expect(result.lockedAfter).toBe(0);
    });
  },
);
