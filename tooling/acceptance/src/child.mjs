import { openBackend } from './backends.mjs';

/**
 * The process in which one scenario runs: `node child.mjs FILE:NAME BACKEND OPTIONS`. What the scenario returns goes to
 * standard output as JSON; what it throws ends the process with code 1. `unhandledRejections` counts what nobody caught.
 */
const [where = '', backendName = '', optionsText = '{}'] = process.argv.slice(2);
const [file, name = ''] = where.split(':');

let unhandledRejections = 0;
process.on('unhandledRejection', () => {
  unhandledRejections++;
});

const scenarios = await import(`./scenarios/${file}.mjs`);
const scenario = scenarios[name];
if (typeof scenario !== 'function') throw new RangeError(`there is no scenario ${where}`);
const result = await scenario({
  backendName,
  open: () => openBackend(backendName),
  options: JSON.parse(optionsText),
});
await new Promise((resolve) => setImmediate(resolve));
process.stdout.write(JSON.stringify({ result, unhandledRejections }));
