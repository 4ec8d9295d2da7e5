/** Environment variable that tells the workers of a full run from those of a usual one. */
export const fullRunVariable: 'SECUREMEM_PROOF';

/** How often a test repeats what it shows: `full` times under `npm run test:full`, a tenth of it (rounded up)
 *  otherwise. The requirements state full counts, and ask for a tenth of them at least. */
export function repetitions(full: number): number;

/** Options for `spawnSync` in a test: a child that stands still blocks the thread of the test, so no limit of the test
 *  ends it. After ten minutes, or four hours of a full run, it is killed, and the test fails by what is missing. */
export function childLimits(): { timeout: number; killSignal: 'SIGKILL' };
