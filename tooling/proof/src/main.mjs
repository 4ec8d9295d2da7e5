import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startVitest } from 'vitest/node';
import { fullRunVariable } from './index.mjs';
import { descendants } from './processes.mjs';
import { ProofReporter } from './reporter.mjs';
import { closingLines, tally } from './tally.mjs';

/**
 * Runs every test once and says what was proved. Usage: main.mjs [--full] [--project NAME]… [--root DIR] [--minutes-per-file N]
 * [FILTER]…
 * Exits 1 when a test failed, skipped itself without a reason, or none ran, and when a file has not ended after N minutes (15, or
 * 240 in a full run): a test that blocks its thread has no other limit, and nothing else would say which one it was.
 */
const slowestShown = 8;
const minutesPerFile = { normal: 15, full: 240 };
const watchEveryMs = 1_000;
const silentMsMax = 60_000;
const closeMsMax = 60_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    full: { type: 'boolean', default: false },
    project: { type: 'string', multiple: true },
    'minutes-per-file': { type: 'string' },
    root: { type: 'string', default: fileURLToPath(new URL('../../..', import.meta.url)) },
  },
});

const root = resolve(values.root);
const resultFile = resolve(root, '.cache/proof.json');
// An old result must never be taken for that of a run that died.
rmSync(resultFile, { force: true });
if (values.full) process.env[fullRunVariable] = 'full';
else delete process.env[fullRunVariable];

const fileMsMax =
  60_000 * Number(values['minutes-per-file'] ?? minutesPerFile[values.full ? 'full' : 'normal']);
if (!(fileMsMax > 0)) {
  process.stderr.write(
    `--minutes-per-file takes a number above 0, not ${values['minutes-per-file']}\n`,
  );
  process.exit(2);
}
const startedAt = performance.now();
const reporter = new ProofReporter();
let heardOfAt = performance.now();
let shown = 0;
const watch = setInterval(watchFiles, watchEveryMs);
const vitest = await startVitest('test', positionals, {
  root,
  watch: false,
  passWithNoTests: true,
  reporters: [reporter],
  // Two cores are what every machine has; more workers would only make the timings of each other worse.
  maxWorkers: 2,
  ...(values.project === undefined ? {} : { project: values.project }),
});
// Workers that do not end are ended by the end of this process; all that they had to tell is told.
await Promise.race([vitest?.close(), delay(closeMsMax, undefined, { ref: false })]);
clearInterval(watch);
finish();

/** Says what runs when nothing was printed for a while, and ends a run in which a file stands still. */
function watchFiles() {
  const stuck = reporter.running.longerThan(fileMsMax);
  if (stuck.length > 0) return endStuckRun(stuck);
  if (reporter.files.length > shown) {
    shown = reporter.files.length;
    heardOfAt = performance.now();
  } else if (performance.now() - heardOfAt > silentMsMax) {
    heardOfAt = performance.now();
    for (const file of reporter.running.longerThan(0)) print(`  …  ${describeRunning(file)}`);
  }
}

/** @param {ReturnType<import('./running.mjs').Running['longerThan']>} stuck */
function endStuckRun(stuck) {
  const processes = descendants(process.pid);
  print('', ...processes.map(({ description }) => `  process ${description}`));
  for (const file of stuck) {
    print(`STUCK  ${describeRunning(file)}`);
    reporter.outcomes.push({
      project: '',
      file: file.file,
      name: file.tests.join(', ') || 'a test that blocks its thread',
      state: 'failed',
      durationMs: file.durationMs,
    });
  }
  // A worker that blocks hears neither a message nor the end of its parent.
  for (const { pid } of processes) kill(pid);
  finish();
}

/** @param {{ file: string, tests: string[], durationMs: number }} running */
function describeRunning({ file, tests, durationMs }) {
  return `${file} has run for ${seconds(durationMs)}${tests.map((test) => `\n       > ${test}`).join('')}`;
}

/** @param {number} pid */
function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

/** Writes the result, prints the summary and ends this process. */
function finish() {
  const result = tally(reporter.outcomes);
  const wallMs = Math.round(performance.now() - startedAt);
  mkdirSync(dirname(resultFile), { recursive: true });
  writeFileSync(
    resultFile,
    `${JSON.stringify(
      {
        full: values.full,
        partial: positionals.length > 0 || values.project !== undefined,
        passed: result.passed.map(({ project, file, name }) => ({ project, file, name })),
        failed: result.failures.map(({ project, file, name, why }) => ({
          project,
          file,
          name,
          why,
        })),
        notProven: result.notProven,
        sectionMs: result.sectionMs,
        wallMs,
      },
      null,
      1,
    )}\n`,
  );

  print(...summary(result, wallMs));
  process.exit(result.failures.length === 0 ? 0 : 1);
}

/** @param {ReturnType<typeof tally>} result @param {number} wallMs */
function summary(result, wallMs) {
  const slowest = reporter.files
    .toSorted((left, right) => right.durationMs - left.durationMs)
    .slice(0, slowestShown)
    .map(({ file, durationMs }) => `  ${seconds(durationMs).padStart(8)}  ${file}`);
  const sections = Object.entries(result.sectionMs)
    .map(([section, durationMs]) => `${section} ${seconds(durationMs)}`)
    .join(', ');
  return [
    '',
    `took ${seconds(wallMs)}; slowest files:`,
    ...slowest,
    ...(sections === '' ? [] : [`by section of the requirements: ${sections}`]),
    ...result.notProven.map(({ file, name, reason }) => `NOT PROVEN  ${file} > ${name}: ${reason}`),
    ...result.failures.map(({ file, name, why }) => `FAILED  ${file} > ${name} (${why})`),
    ...closingLines(result),
  ];
}

/** @param {number} durationMs */
function seconds(durationMs) {
  return `${(durationMs / 1000).toFixed(1)} s`;
}

/** @param {...string} lines */
function print(...lines) {
  process.stdout.write(`${lines.join('\n')}\n`);
}
