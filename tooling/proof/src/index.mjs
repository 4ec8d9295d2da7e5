/** Set for the workers of a full run; see `repetitions`. */
export const fullRunVariable = 'SECUREMEM_PROOF';

/**
 * How often a test repeats what it shows: all of `full` under `npm run test:full`, a tenth of it otherwise.
 * @param {number} full @returns {number}
 */
export function repetitions(full) {
  return process.env[fullRunVariable] === 'full' ? full : Math.ceil(full / 10);
}

/**
 * Options for `spawnSync` in a test: a child that stands still blocks the thread of the test, so no limit of the test ends it. After
 * ten minutes, or four hours of a full run, it is killed, and the test fails by what is missing.
 * @returns {{ timeout: number, killSignal: 'SIGKILL' }}
 */
export function childLimits() {
  const minutes = process.env[fullRunVariable] === 'full' ? 240 : 10;
  return { timeout: minutes * 60_000, killSignal: 'SIGKILL' };
}
