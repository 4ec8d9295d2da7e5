import { compareDesigns, runWithProgress } from './storm/comparison.js';
import { parseStorm, USAGE, UsageError } from './storm/options.js';
import type { StormReport } from './storm/report.js';
import { StormRefused } from './storm/storm.js';
import { stormTable } from './storm/table.js';

/** `npm run storm`: exit code 0 when every signature is valid and nothing died, 1 otherwise, 2 for a bad option. */
async function main(): Promise<number> {
  const command = parseStorm(process.argv.slice(2));
  if (command === 'help') {
    console.log(USAGE);
    return 0;
  }
  const { options, compare, json } = command;
  const reports = compare ? await compareDesigns(options) : [await runWithProgress(options)];
  if (json) console.log(JSON.stringify(reports[0]));
  else if (!compare) console.log(stormTable(reports));
  if (!json) for (const line of reports.flatMap(keeperLines)) console.log(line);
  return reports.every((r) => !r.crashed && r.verified === r.succeeded) ? 0 : 1;
}

/** How the keeper died each time, and what the policy made of it. */
function keeperLines({ keeperCauses = [], keeperRestarts = 0 }: StormReport): string[] {
  if (keeperCauses.length === 0) return [];
  return [
    `The keeper died ${keeperCauses.length} times and was restarted ${keeperRestarts} times:`,
    ...keeperCauses.map((cause) => `  ${cause}`),
  ];
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError || error instanceof StormRefused)) throw error;
  process.stderr.write(`storm: ${error.message}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
