import { Bench, hrtimeNow } from 'tinybench';

/** One round is so many runs of so long: short enough that many rounds of all subjects fit between two changes of the
 *  weather on a shared machine, long enough that the clock does not matter. */
const runsPerRound = 5;
const runMs = 5;
const calibrationRuns = 40;

/**
 * How often the operation fits into one run. Counts up by measured time, which also lets the compiler see the loop
 * before anything is recorded.
 * @param {import('./case.d.mts').Loop} loop
 */
export async function calibrate(loop) {
  const countMax = loop.countMax ?? 10_000_000;
  const unit = loop.countUnit ?? 1;
  let count = Math.max(unit, Math.min(16, countMax));
  for (let run = 0; run < calibrationRuns; run += 1) {
    await loop.settle?.();
    const startedAt = hrtimeNow();
    await loop.run(count);
    const tookMs = Math.max(hrtimeNow() - startedAt, 0.0005);
    const fitting = Math.min((count * runMs) / tookMs, count * 4, countMax);
    count = Math.max(1, Math.round(fitting / unit)) * unit;
  }
  return count;
}

/**
 * The mean time of an operation in one round, in nanoseconds: the mean and not the median, because what garbage
 * collection costs belongs to whoever made the garbage.
 * @param {import('./case.d.mts').Loop} loop @param {number} count
 */
export async function measureRound(loop, count) {
  const bench = new Bench({
    iterations: runsPerRound,
    time: 0,
    warmup: false,
    throws: true,
    now: hrtimeNow,
  });
  const asynchronous = loop.run.constructor.name === 'AsyncFunction';
  bench.add('round', () => loop.run(count), {
    async: asynchronous,
    beforeEach: async () => loop.settle?.(),
  });
  const [task] = await bench.run();
  const result = task?.result;
  if (result?.state !== 'completed') throw new Error(`a round ended as ${result?.state}`);
  return (result.latency.mean * 1e6) / count;
}
