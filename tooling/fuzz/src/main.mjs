import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

/**
 * main.mjs [--seconds 10] [--only NAME,NAME…] [--seed N] [--folder DIR] [--replay FILE]
 *
 * Runs the targets of `targets/`, all at once, each in a process of its own. Exits 1 when one of them found something: what it threw, or
 * that it died or hung. The input is kept, and `--only NAME --replay FILE` runs it again.
 */
const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    only: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    folder: { type: 'string', default: resolve(import.meta.dirname, '../../../.cache/fuzz') },
    replay: { type: 'string' },
  },
});
/** Beyond its seconds a run may take this long before it counts as one that hangs. */
const hangSeconds = 60;

const known = readdirSync(join(import.meta.dirname, 'targets'), { withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.mjs'))
  .map((entry) => entry.name.slice(0, -'.mjs'.length));
const chosen = options.only === undefined ? known : options.only.split(',');
const unknown = chosen.filter((name) => !known.includes(name));
if (unknown.length > 0)
  throw new TypeError(`no target ${unknown.join(', ')}: there are ${known.join(', ')}`);
if (!(Number(options.seconds) > 0)) throw new TypeError('--seconds takes a number above 0');
if (options.replay !== undefined && chosen.length !== 1)
  throw new TypeError('--replay needs --only NAME');

const clean = await Promise.all(chosen.map(runTarget));
process.exitCode = clean.every(Boolean) ? 0 : 1;

/** Whether it found nothing. @param {string} name @returns {Promise<boolean>} */
async function runTarget(name) {
  const folder = join(options.folder, name);
  mkdirSync(folder, { recursive: true });
  const { ended, output } = await ending(name, folder);
  /** @type {import('./target.mjs').TargetReport | undefined} */
  const report = lastLineOf(output);
  if (report?.notProven !== undefined) {
    process.stdout.write(`fuzz ${name}: NOT PROVEN: ${report.notProven}\n`);
    return true;
  }
  if (report !== undefined && ended === 0) {
    const { runs, kept, features } = report;
    process.stdout.write(
      `fuzz ${name}: clean, ${runs} runs, ${features} features, ${kept} inputs, seed ${options.seed}\n`,
    );
    return true;
  }
  const kept = join(folder, `finding-${options.seed}-${process.pid}`);
  if (existsSync(join(folder, 'current'))) copyFileSync(join(folder, 'current'), kept);
  const what = report?.finding ?? `ended with ${ended}\n${output.slice(-2000)}`;
  process.stdout.write(
    `fuzz ${name}: FOUND: ${what}\n  again: npm run fuzz -- --only ${name} --replay ${kept}\n`,
  );
  return false;
}

/** @param {string} name @param {string} folder @returns {Promise<{ ended: number | string | null, output: string }>} */
function ending(name, folder) {
  const script = join(import.meta.dirname, 'run-target.mjs');
  const args = ['--expose-gc', script, name, options.seconds, options.seed, folder];
  if (options.replay !== undefined) args.push(resolve(options.replay));
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output = (output + text).slice(-100_000);
    });
  }
  let hung = false;
  const timer = setTimeout(
    () => {
      hung = true;
      child.kill('SIGKILL');
    },
    (Number(options.seconds) + hangSeconds) * 1000,
  );
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      done({ ended: hung ? 'a hang' : (signal ?? code), output });
    });
  });
}

/** @param {string} output */
function lastLineOf(output) {
  try {
    return JSON.parse(output.trimEnd().split('\n').at(-1) ?? '');
  } catch {
    return undefined;
  }
}
