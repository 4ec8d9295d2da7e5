import { parseArgs } from 'node:util';
import { loadCases, select } from './cases.mjs';
import { markdown, provenance } from './markdown.mjs';
import { measure } from './measure.mjs';
import { summarise } from './ratios.mjs';
import { countTargets, report } from './report.mjs';

const usage = `npm run bench -- [--only NAME] [--rounds N] [--json | --markdown]

  --only NAME   the cases whose name begins so, and what their targets are compared with
  --rounds N    how often everything is measured (21)
  --json        an array of { name, subject, nsPerOpMedian, nsPerOpMin, nsPerOpMax, runs } on stdout
  --markdown    a table for the documentation

Every subject has a process of its own; a round measures each of them once, one after another. Times are means
of a round, garbage collection included; ratios are taken within a round.
`;

const roundsMax = 1000;

const { only, rounds, json, markdown: table } = parse();
const { chosen, pairs } = select(await loadCases(), only);
if (chosen.length === 0) refuse(`no case begins with ${only}`);
const results = await measure(pairs, { rounds, onRound: showProgress });
showProgress(rounds);

if (json) {
  process.stdout.write(`${JSON.stringify(results.measurements.map(summarise), null, 1)}\n`);
  for (const { name, subject, reason } of results.unavailable) {
    process.stderr.write(`not measured: ${name} ${subject}: ${reason}\n`);
  }
} else if (table) {
  process.stdout.write(`${provenance(rounds)}\n\n${markdown(chosen, results.measurements)}\n`);
} else {
  const { met, missed, notJudged } = countTargets(chosen, results.measurements);
  const all = await loadCases();
  process.stdout.write(`${report(all.filter(isShown), results)}\n\n`);
  process.stdout.write(`targets: ${met} met, ${missed} missed, ${notJudged} not judged\n`);
}

/** @param {import('./case.d.mts').Case} each */
function isShown({ name }) {
  return pairs.some((pair) => pair.name === name);
}

function parse() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', default: '' },
        rounds: { type: 'string', default: '21' },
        json: { type: 'boolean', default: false },
        markdown: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(usage);
      process.exit(0);
    }
    const count = Number(values.rounds);
    if (!Number.isInteger(count) || count < 1 || count > roundsMax) {
      return refuse(`--rounds takes a whole number from 1 to ${roundsMax}`);
    }
    return { only: values.only, rounds: count, json: values.json, markdown: values.markdown };
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

/** @param {string} line @returns {never} */
function refuse(line) {
  process.stderr.write(`bench: ${line}\n`);
  process.exit(2);
}

/** @param {number} round */
function showProgress(round) {
  if (process.stderr.isTTY) process.stderr.write(`\rround ${round} of ${rounds} `);
}
