import { digestOfJudged, readResults } from './results.mjs';
import { BACKENDS, RUNTIMES } from './runtimes.mjs';

export { fetchRuntime } from '@securemem/launch/runtime';
export { packPackages } from './project.mjs';
export { RUNTIMES } from './runtimes.mjs';

/** For `npm run check`: one line for each row of the support table that is older than what it speaks of. */
export function oldRows() {
  const results = readResults();
  const judged = digestOfJudged();
  return RUNTIMES.flatMap(({ id, name }) => {
    const cells = BACKENDS.map((backend) => results[id]?.[backend]);
    if (cells.includes(undefined)) return [`support table: ${name} was not run on every backend`];
    const old = cells.some((cell) => cell?.judged !== judged);
    return old ? [`support table: ${name} is older than a backend or the contract`] : [];
  });
}
