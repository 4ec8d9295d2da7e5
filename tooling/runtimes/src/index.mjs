import { isOld, readResults } from './results.mjs';
import { BACKENDS, RUNTIMES } from './runtimes.mjs';

/** For `npm run check`: one line for each row of the support table that is older than what it speaks of. */
export function oldRows() {
  const results = readResults();
  return RUNTIMES.flatMap(({ id, name }) => {
    const cells = BACKENDS.map((backend) => results[id]?.[backend]);
    const commits = cells.map((cell) => cell?.commit);
    if (commits.includes(undefined)) return [`support table: ${name} was not run on every backend`];
    const old = commits.some((commit) => isOld(String(commit)));
    return old ? [`support table: ${name} is older than a backend or the contract`] : [];
  });
}
