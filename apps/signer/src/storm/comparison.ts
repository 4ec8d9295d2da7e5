import type { Placement, StormOnCapacity, StormOptions } from './options.js';
import { clearProgress, terminalProgress } from './progress.js';
import type { StormReport } from './report.js';
import { runStorm } from './storm.js';
import { designOf, stormTable } from './table.js';

const DESIGNS: readonly { placement: Placement; onCapacity: StormOnCapacity }[] = [
  { placement: 'page', onCapacity: 'throw' },
  { placement: 'pooled', onCapacity: 'throw' },
  { placement: 'pooled', onCapacity: 'wait' },
];

/** Runs the same storm on three designs and prints a table and what it means. */
export async function compareDesigns(options: StormOptions): Promise<readonly StormReport[]> {
  const limit = options.memlockByteLength || options.budgetByteLength;
  const under =
    limit === undefined ? 'without a limit' : `under ${limit / 1_024} KiB of locked memory`;
  console.log(
    `${options.requests} signing requests, ${options.concurrency} at once, ${under} (${options.backend}).\n` +
      'Each holds four secrets until it has its signature.\n',
  );
  const reports: StormReport[] = [];
  for (const design of DESIGNS) reports.push(await runWithProgress({ ...options, ...design }));
  console.log(stormTable(reports));
  console.log(`\n${explanation(reports)}`);
  return reports;
}

/** One storm, with a progress line on the terminal. */
export async function runWithProgress(options: StormOptions): Promise<StormReport> {
  try {
    return await runStorm(options, terminalProgress(designOf(options), process.stderr));
  } finally {
    clearProgress(process.stderr);
  }
}

/** A few lines that a newcomer understands, made of the figures and nothing else. */
export function explanation(reports: readonly StormReport[]): string {
  const lines = reports.map(sentence);
  if (reports.some(({ confined }) => !confined)) {
    lines.push('The operating system did not enforce a limit here: only our own budget did.');
  }
  const valid = reports.every(({ succeeded, verified }) => succeeded === verified);
  lines.push(
    valid
      ? 'Every signature was checked by a second, independent library, and every one is valid.'
      : 'A signature did not verify: do not trust this build.',
  );
  return lines.join('\n');
}

function sentence(report: StormReport): string {
  const { succeeded, requests, admissionWaits } = report;
  const share = `${succeeded} of ${requests} requests were served`;
  const design = designOf(report);
  if (report.crashed) return `${design}: the process died after ${succeeded} signatures.`;
  if (succeeded === requests && admissionWaits > 0) {
    return `${design}: ${share}; ${admissionWaits} waited for their turn, none failed.`;
  }
  if (succeeded === requests) return `${design}: ${share}; there was room for all.`;
  const usual = report.placement === 'page' ? ', the usual design' : '';
  return `${design}${usual}: ${share}, the others refused.`;
}
