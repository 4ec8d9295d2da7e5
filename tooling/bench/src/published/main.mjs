import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '@securemem/launch/workspace';
import { compareRatios } from './again.mjs';
import { load, machine, today } from './machine.mjs';
import { renderPage } from './page/page.mjs';
import { readResults, writeResults } from './results.mjs';
import { sections } from './sections/index.mjs';

const minutesUsual = 15;
const minutesMax = 240;
const names = sections.map(({ name }) => name);
const usage = `npm run bench:report -- [--only SECTION]… [--quick] [--render-only]

Measures and writes docs/BENCHMARKS.md with its pictures and raw results. A section that is not measured keeps what it has.

  --only SECTION  one of ${names.join(', ')}; more than once for several
  --minutes N     how long all of it may take, about (15): on a slow machine less is measured, and the page says what
  --quick         small counts, to see that it works; writes into .cache/bench-report
  --again         measures and writes nothing: says which ratios are within 30 % of those on the page
  --render-only   measures nothing: writes the page again from its results
`;

const { only, quick, renderOnly, again, minutes } = parse();
const chosen = sections.filter(({ name }) => only.length === 0 || only.includes(name));
const directory = join(root, quick ? '.cache/bench-report' : 'docs');
const resultsFile = join(directory, 'images/bench/results.json');
const startedAt = performance.now();
const failed = renderOnly ? [] : again ? await measureAgain() : await measure();
if (!again) render();
process.exitCode = failed.length === 0 ? 0 : 1;
for (const line of failed) process.stderr.write(`bench: ${line}\n`);

/** Each section is saved when it is done: whatever ends this later costs no result. */
async function measure() {
  /** @type {string[]} */
  const problems = [];
  for (const section of chosen) {
    const { name } = section;
    const provenance = { date: today(), machine: machine(), loadBefore: load() };
    try {
      say(`${name}: begins, load ${provenance.loadBefore}`);
      const data = await measureTwice(section);
      problems.push(...failuresOf(data).map((each) => `${name}: ${each}`));
      const saved = { ...provenance, loadAfter: load(), quick, ...data };
      const results = { ...readResults(resultsFile), [name]: saved };
      const ordered = Object.fromEntries(
        names.flatMap((each) => (each in results ? [[each, Object(results)[each]]] : [])),
      );
      writeResults(resultsFile, ordered);
    } catch (error) {
      problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      say(`${name}: FAILED, its former result stays`);
    }
  }
  return problems;
}

/** @param {object} data @returns {string[]} */
function failuresOf(data) {
  return 'failed' in data ? [data.failed].flat().map(String) : [];
}

/** Sections of cases only: the others have no ratios. */
async function measureAgain() {
  const results = readResults(resultsFile);
  /** @type {string[]} */
  const off = [];
  for (const section of chosen) {
    const then = Object(results)[section.name];
    if (then?.rows === undefined) continue;
    const now = await measureOne(section);
    for (const { holds, line } of compareRatios(section.name, then, Object(now))) {
      process.stdout.write(`${line}\n`);
      if (!holds) off.push(line.replace(/^OFF */, ''));
    }
  }
  return off;
}

/** A process that is measured may die of what nobody here did; once more, and it is a failure.
 *  @param {import('./sections/index.mjs').Section} section */
async function measureTwice(section) {
  try {
    return await measureOne(section);
  } catch (error) {
    say(`${section.name}: again, since ${error instanceof Error ? error.message : error}`);
    return measureOne(section);
  }
}

/** @param {import('./sections/index.mjs').Section} section */
function measureOne({ name, msMax, measure }) {
  const show = (/** @type {string} */ step) => say(`${name}: ${step}`);
  return measure({ quick, msMax: (msMax * minutes) / minutesUsual, show });
}

function render() {
  const files = renderPage(readResults(resultsFile));
  const images = join(directory, 'images/bench');
  mkdirSync(images, { recursive: true });
  for (const old of readdirSync(images)) {
    if (old.endsWith('.svg') && !files.has(`images/bench/${old}`)) rmSync(join(images, old));
  }
  for (const [path, content] of files) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  say(`wrote ${files.size} files, ${relative(root, join(directory, 'BENCHMARKS.md'))} among them`);
}

/** One line for each step: it has to be readable in a log as well. @param {string} line */
function say(line) {
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  process.stderr.write(`[${String(seconds).padStart(4)} s] ${line}\n`);
}

function parse() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', multiple: true, default: [] },
        quick: { type: 'boolean', default: false },
        minutes: { type: 'string', default: String(minutesUsual) },
        'render-only': { type: 'boolean', default: false },
        again: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(usage);
      process.exit(0);
    }
    const unknown = values.only.find((name) => !names.includes(name));
    if (unknown !== undefined) {
      return refuse(`no section is called ${unknown}; there are ${names.join(', ')}`);
    }
    const minutes = Number(values.minutes);
    if (!(minutes >= 1 && minutes <= minutesMax)) {
      return refuse(`--minutes takes a number from 1 to ${minutesMax}`);
    }
    const { only, quick, again, 'render-only': renderOnly } = values;
    return { only, quick, renderOnly, again, minutes };
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

/** @param {string} line @returns {never} */
function refuse(line) {
  process.stderr.write(`bench: ${line}\n`);
  process.exit(2);
}
