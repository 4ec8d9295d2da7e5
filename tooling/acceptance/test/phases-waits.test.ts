import { repetitions } from '@securemem/proof';
import { describe, expect, it, type TestContext } from 'vitest';
import { ended, runScenario } from '../src/run-scenario.js';

const FULL = repetitions(10) === 10;
/** In simulated memory, where a wait costs what the queue costs; and for a page of real memory. */
const WAITS = FULL ? 10_000_000 : 100_000;
const WAITS_FOR_PAGES = FULL ? 1_000_000 : 20_000;
/** Heap that may be more after all of them than before, in bytes: a tenth of a byte for each of ten million. */
const GROWTH_MAX = 1_048_576;

interface Held {
  timers: number;
  resources: number;
  files: number;
  locked: number;
}
interface Waited {
  done: number;
  grown: number;
  waiting: number;
  secrets: number;
  aborts: number;
  timeouts: number;
  before: Held;
  after: Held;
  lockedAtEnd: number;
}
interface Options extends Record<string, unknown> {
  waits: number;
  leak?: boolean;
  hold?: boolean;
}

async function wait(
  context: TestContext,
  where: 'forPages' | 'forCount',
  backend: string,
  options: Options,
): Promise<Waited> {
  const execArgv = ['--expose-gc'];
  return ended(
    await runScenario<Waited>(context, `waits:${where}`, backend, { execArgv, options }),
  );
}

function leavesNothing(result: Waited, waits: number): void {
  expect(result.done).toBeGreaterThanOrEqual(waits);
  expect(result.aborts).toBeGreaterThan(waits / 20);
  expect(result.timeouts).toBeGreaterThan(waits / 200);
  expect(result).toMatchObject({ waiting: 0, secrets: 0, lockedAtEnd: 0 });
  expect(result.after).toEqual(result.before);
  expect(result.grown).toBeLessThan(GROWTH_MAX);
}

describe('very many waits', () => {
  const timeout = 3_600_000;

  it(`A5 ${WAITS} that are served, aborted and timed out leave no waiter, place, timer, file or heap behind`, {
    timeout,
  }, async (context) => {
    leavesNothing(await wait(context, 'forCount', 'nolock', { waits: WAITS }), WAITS);
  });

  for (const backend of ['koffi', 'napi']) {
    it(`A5 ${WAITS_FOR_PAGES} for a page of real memory leave no locked byte either, ${backend}`, {
      timeout,
    }, async (context) => {
      const result = await wait(context, 'forPages', backend, { waits: WAITS_FOR_PAGES });
      leavesNothing(result, WAITS_FOR_PAGES);
      expect(result.before.locked).toBe(4096);
    });
  }

  it('A5 control: keeping what each wait ended with shows in the heap', async (context) => {
    const options = { waits: 10_000, leak: true };
    const { grown } = await wait(context, 'forCount', 'nolock', options);
    expect(grown).toBeGreaterThan(GROWTH_MAX);
  });

  it('A5 control: one waiter that is left in the queue shows with its timer', async (context) => {
    const options = { waits: 1_000, hold: true };
    const { before, after, waiting } = await wait(context, 'forCount', 'nolock', options);
    expect({ waiting, timers: after.timers }).toEqual({ waiting: 1, timers: before.timers + 1 });
  });
});
