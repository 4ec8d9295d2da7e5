import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Progress } from './progress.mjs';
import { supervise } from './supervise.mjs';

const known = readdirSync(join(import.meta.dirname, 'targets'), { withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.mjs'))
  .map((entry) => entry.name.slice(0, -'.mjs'.length));

const usage = `npm run fuzz -- [--seconds N] [--target NAME,NAME…] [--seed N] [--folder DIR] [--replay FILE] [--json]

Feeds targets with random and mutated input, all at once, each in a process of its own.

  --seconds N     how long each target is fed (10)
  --target NAMES  only these, with commas between them: ${known.join(', ')}
  --seed N        what every input is made from (printed; by chance)
  --folder DIR    where inputs that found something are kept (.cache/fuzz)
  --replay FILE   one input once, for the one --target that it was kept of
  --json          one JSON object on stdout: { seconds, seed, targets: [{ target, outcome, runs, kept, features, what, input }] }

Exits 1 when a target found something: an error that no input may cause, or a process that died or hung.
`;

const options = parse();
const progress = new Progress(options.seconds);
const outcomes = await Promise.all(
  options.targets.map((target) =>
    supervise(target, options, (report) => progress.show(target, report)),
  ),
);
progress.end();
if (options.json) {
  const { seconds, seed } = options;
  process.stdout.write(`${JSON.stringify({ seconds, seed, targets: outcomes })}\n`);
} else {
  for (const outcome of outcomes) process.stdout.write(`fuzz ${lineOf(outcome)}\n`);
}
process.exitCode = outcomes.some(({ outcome }) => outcome === 'found') ? 1 : 0;

/** @param {import('./supervise.mjs').Outcome} outcome */
function lineOf({ target, outcome, runs, features, kept, what, input }) {
  if (outcome === 'not-proven') return `${target}: NOT PROVEN: ${what}`;
  const counts = `${runs} runs, ${features} features, ${kept} inputs, seed ${options.seed}`;
  if (outcome === 'clean') return `${target}: clean, ${counts}`;
  const again =
    input === undefined
      ? ''
      : `\n  again: npm run fuzz -- --target ${target} --replay ${JSON.stringify(input)}`;
  return `${target}: FOUND after ${counts}: ${what}${again}`;
}

function parse() {
  try {
    const { values } = parseArgs({
      options: {
        seconds: { type: 'string', default: '10' },
        target: { type: 'string', default: known.join(',') },
        seed: { type: 'string', default: String(Date.now() % 1_000_000) },
        folder: { type: 'string', default: resolve(import.meta.dirname, '../../../.cache/fuzz') },
        replay: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(usage);
      process.exit(0);
    }
    const targets = values.target.split(',');
    const unknown = targets.filter((name) => !known.includes(name));
    if (unknown.length > 0)
      refuse(`no target ${unknown.join(', ')}: there are ${known.join(', ')}`);
    const seconds = Number(values.seconds);
    if (!(seconds > 0 && seconds <= 1e6))
      refuse('--seconds takes a number above 0, at most 1000000');
    const seed = Number(values.seed);
    if (!Number.isInteger(seed)) refuse('--seed takes a whole number');
    if (values.replay !== undefined && targets.length !== 1)
      refuse('--replay needs the one --target that its input was kept of');
    const replay = values.replay === undefined ? undefined : resolve(values.replay);
    return { targets, seconds, seed, replay, folder: resolve(values.folder), json: values.json };
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

/** @param {string} line @returns {never} */
function refuse(line) {
  process.stderr.write(`fuzz: ${line}\n`);
  process.exit(2);
}
