import { parseArgs } from 'node:util';
import { writeEvidence } from './evidence.mjs';
import { Factory } from './factory.mjs';
import { KERNELS, kernelOf } from './kernels.mjs';
import { missingHere } from './needs.mjs';
import { readResults, writeResults } from './results.mjs';
import { SCENARIOS } from './scenarios/index.mjs';

const HELP = `npm run test:machines -- [--only SCENARIO]… [--kernel KERNEL]… [--verbose] [--json] [--print]

Boots virtual machines that are made from Debian's packages, this Node and the packed packages, runs a scenario in each, and reads
their disks from outside. Exits 1 when a claim does not hold, 2 when it could not be tried.

  --only SCENARIO   ${SCENARIOS.map(({ name }) => name).join(', ')}; all unless told
  --kernel KERNEL   ${KERNELS.map(({ id }) => id).join(', ')}; those of the scenario unless told
  --backend NAME    one backend in the scenario "kernels", and
  --requirement ID  one requirement of the suite there; what is seen is not kept
  --verbose         what is on the console of each machine
  --json            one line of JSON for each machine
  --print           runs nothing; writes the table of docs/EVIDENCE.md from what was seen last
`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    kernel: { type: 'string', multiple: true },
    backend: { type: 'string', multiple: true },
    requirement: { type: 'string', multiple: true },
    verbose: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    print: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** Of a part of the suite the table says nothing. */
const isWhole = values.backend === undefined && values.requirement === undefined;

if (values.help) {
  process.stdout.write(HELP);
} else if (values.print) {
  writeEvidence(readResults());
} else {
  process.exitCode = await runAll();
}

async function runAll() {
  const unknown = (values.only ?? []).find((name) => !SCENARIOS.some((one) => one.name === name));
  if (unknown !== undefined) {
    process.stderr.write(`no scenario is called ${unknown}\n\n${HELP}`);
    return 2;
  }
  let status = 0;
  let results = readResults();
  const factory = new Factory({
    onLine: values.verbose ? console.log : undefined,
    parameters: [
      ...(values.backend === undefined ? [] : [`securemem.only=${values.backend.join(',')}`]),
      ...(values.requirement === undefined
        ? []
        : [`securemem.ids=${values.requirement.join(',')}`]),
    ].join(' '),
  });
  for (const scenario of SCENARIOS) {
    if (!(values.only?.includes(scenario.name) ?? true)) continue;
    for (const id of values.kernel ?? scenario.kernels) {
      const result = await runOne(scenario, factory, kernelOf(id));
      if (result === undefined) {
        status ||= 2;
        continue;
      }
      if (!result.holds) status = 1;
      if (!result.died)
        results = { ...results, [scenario.name]: { ...results[scenario.name], [id]: result } };
      // A machine that died shows nothing; what was seen before stands until another was seen.
      if (isWhole && !result.died) writeResults(results);
    }
  }
  if (isWhole) writeEvidence(results);
  return status;
}

/**
 * @param {(typeof SCENARIOS)[number]} scenario @param {Factory} factory @param {import('./kernels.mjs').Kernel} kernel
 * @returns {Promise<import('./results.mjs').Result | undefined>} undefined where it could not be tried
 */
async function runOne({ id, name, run }, factory, kernel) {
  const where = `${id} ${name} on ${kernel.id}`;
  const missing = missingHere(kernel);
  if (missing !== undefined) {
    process.stdout.write(`not proven     ${where}: ${missing}\n`);
    return undefined;
  }
  const began = Date.now();
  const verdict = await run(factory.on(kernel)).catch((error) => ({
    holds: false,
    line: String(error),
    died: true,
    facts: /** @type {Record<string, any>} */ ({}),
  }));
  const seconds = Math.round((Date.now() - began) / 1000);
  const release = String(/** @type {Record<string, any>} */ (verdict.facts)['kernel'] ?? kernel.id);
  const result = {
    died: false,
    ...verdict,
    seconds,
    release,
    date: new Date().toISOString().slice(0, 10),
  };
  const told = `${verdict.holds ? 'holds         ' : 'DOES NOT HOLD '} ${where}: ${verdict.line} (${seconds} s)`;
  process.stdout.write(`${values.json ? JSON.stringify({ scenario: name, ...result }) : told}\n`);
  return result;
}
