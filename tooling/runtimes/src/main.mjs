import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cache } from '@securemem/launch/runtime';
import { root } from '@securemem/launch/workspace';
import { BACKENDS_OF_MINORS, MINORS } from './minors.mjs';
import { installProject, packPackages } from './project.mjs';
import {
  currentCommit,
  digestOfJudged,
  judge,
  readResults,
  withTaken,
  writeResults,
} from './results.mjs';
import { missingProgram, prepareWine, runSuite } from './run-suite.mjs';
import { BACKENDS, here, RUNTIMES } from './runtimes.mjs';
import { renderTable, writeTable } from './table.mjs';

/**
 * Runs the conformance suite on every runtime with every backend, or with `--minors` the backend on node:ffi on every minor
 * release of Node that has it; prints the tables and writes them into the README.
 * With `--here` only on the Node and the system that run this, into `.cache/runtimes/here.json`; `--take FILE` makes rows of such a
 * file from elsewhere.
 * Usage: main.mjs [--minors | --here | --take FILE…] [--only ID]… [--backend NAME]… [--print]. Exits 1 when a backend breaks the
 * contract somewhere.
 */
const { values } = parseArgs({
  options: {
    minors: { type: 'boolean', default: false },
    here: { type: 'boolean', default: false },
    take: { type: 'string', multiple: true, default: [] },
    only: { type: 'string', multiple: true },
    backend: { type: 'string', multiple: true },
    print: { type: 'boolean', default: false },
  },
});
const all = values.here ? [here()] : values.minors ? MINORS : RUNTIMES;
const wanted = all.filter(({ id }) => values.only?.includes(id) ?? true);
const backends = values.backend ?? (values.minors ? BACKENDS_OF_MINORS : BACKENDS);

const ENGINE_DIED = ' hold, limit-mappings do not';

let results = values.here ? {} : readResults();
for (const file of values.take) results = withTaken(results, readFileSync(file, 'utf8'));
const isRun = !values.print && values.take.length === 0;
/** Rows of this machine are no rows of the README: they are handed over. */
const file = values.here ? join(cache, 'here.json') : undefined;
mkdirSync(cache, { recursive: true });
if (isRun) {
  const commit = currentCommit();
  const judged = digestOfJudged();
  const date = new Date().toISOString().slice(0, 10);
  packPackages();
  /** @type {Map<string, string>} */
  const projects = new Map();
  for (const runtime of wanted) {
    const { id, target } = runtime;
    const missing = missingProgram(runtime);
    if (missing === undefined && !projects.has(target))
      projects.set(target, installProject(target));
    if (missing === undefined && runtime.before.includes('wine')) prepareWine();
    for (const backend of backends) {
      const once = () =>
        missing === undefined
          ? runSuite(runtime, backend, String(projects.get(target)))
          : { unavailable: `${missing} is not installed on the machine that ran this` };
      let verdict = judge(await once(), runtime);
      // An engine that has no mapping left may die of itself in the child that shows the mapping limit.
      for (let retry = 0; retry < 2 && verdict.reason.endsWith(ENGINE_DIED); retry += 1) {
        verdict = judge(await once(), runtime);
      }
      const cell = { ...verdict, commit, date, judged };
      results[id] = { ...results[id], [backend]: cell };
      process.stdout.write(
        `${id} ${backend}: ${cell.state}${cell.reason && ` (${cell.reason})`}\n`,
      );
      writeResults(results, file);
    }
  }
}
const table = renderTable(results);
process.stdout.write(`\n${table}\n`);
if (values.take.length > 0) writeResults(results);
if (!values.print && !values.here) writeTable(table);
const cells = Object.values(results).flatMap((byBackend) => Object.values(byBackend));
process.exitCode = cells.some(({ state }) => state === 'fails') ? 1 : 0;
if (isRun && wanted.some(({ before }) => before.includes('wine'))) {
  provePeculiaritiesOfWindows();
}

/** What only Windows does is not in the suite of all backends: tests of their own, of what was fetched for it above. */
function provePeculiaritiesOfWindows() {
  const vitest = join(root, 'node_modules', '.bin', 'vitest');
  const args = ['run', '--root', join(root, 'tooling', 'runtimes', 'wine')];
  const { status } = spawnSync(vitest, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) process.exitCode = 1;
}
