/** Set for the workers of a full run; see `repetitions`. */
export const fullRunVariable = 'SECUREMEM_PROOF';

/**
 * How often a test repeats what it shows: all of `full` under `npm run test:full`, a tenth of it otherwise.
 * @param {number} full @returns {number}
 */
export function repetitions(full) {
  return process.env[fullRunVariable] === 'full' ? full : Math.ceil(full / 10);
}
