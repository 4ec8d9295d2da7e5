import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startVitest } from 'vitest/node';
import { fullRunVariable } from './index.mjs';
import { ProofReporter } from './reporter.mjs';
import { closingLines, tally } from './tally.mjs';

/**
 * Runs every test once and says what was proved. Usage: main.mjs [--full] [--project NAME]… [--root DIR] [FILTER]…
 * Exits 1 when a test failed, skipped itself without a reason, or none ran.
 */
const slowestShown = 8;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    full: { type: 'boolean', default: false },
    project: { type: 'string', multiple: true },
    root: { type: 'string', default: fileURLToPath(new URL('../../..', import.meta.url)) },
  },
});

const root = resolve(values.root);
const resultFile = resolve(root, '.cache/proof.json');
// An old result must never be taken for that of a run that died.
rmSync(resultFile, { force: true });
if (values.full) process.env[fullRunVariable] = 'full';
else delete process.env[fullRunVariable];

const startedAt = performance.now();
const reporter = new ProofReporter();
const vitest = await startVitest('test', positionals, {
  root,
  watch: false,
  passWithNoTests: true,
  reporters: [reporter],
  // Two cores are what every machine has; more workers would only make the timings of each other worse.
  maxWorkers: 2,
  ...(values.project === undefined ? {} : { project: values.project }),
});
await vitest?.close();

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
      failed: result.failures.map(({ project, file, name, why }) => ({ project, file, name, why })),
      notProven: result.notProven,
      sectionMs: result.sectionMs,
      wallMs,
    },
    null,
    1,
  )}\n`,
);

print(...summary());
process.exit(result.failures.length === 0 ? 0 : 1);

function summary() {
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
