import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { childUrl } from './child-url.js';
import { type Report, reportOf, type Subject } from './report.js';
import { requirements } from './requirements/index.js';
import type { RunOptions } from './run-conformance.js';
import type { RequirementResult } from './run-requirement.js';
import { takeSettings, urlOf } from './settings.js';

/** A backend that crashes this often has shown enough. */
const CRASHES_MAX = 20;

/** As `RunOptions`, without what cannot go to another process. */
export type IsolatedOptions = Omit<RunOptions, 'open' | 'evidence' | 'module'> & {
  readonly module: URL | string;
};

interface Part {
  readonly results: readonly RequirementResult[];
  readonly finished: boolean;
  readonly signal: NodeJS.Signals | null;
  readonly exitCode: number | null;
  readonly error?: string;
  readonly subject?: Subject;
  readonly evidence?: string;
}

/**
 * As `runConformance`, in another process. A requirement during which that process dies has failed, and the run goes on with
 * the next one in a new process.
 *
 * Rejects when the backend cannot be opened, or when the process died more than 20 times.
 */
export async function runConformanceIsolated(options: IsolatedOptions): Promise<Report> {
  const { module, thorough, seed, onResult } = takeSettings(options, ['onResult']);
  const startedAt = new Date();
  const results: RequirementResult[] = [];
  for (let crashes = 0; crashes <= CRASHES_MAX; crashes += 1) {
    const from = results.length;
    const part = await runPartIn(urlOf(module), { from, thorough, seed }, onResult);
    results.push(...part.results);
    const { subject, evidence } = part;
    if (subject === undefined || evidence === undefined) {
      throw new Error(part.error ?? `the backend cannot be opened: ${endOf(part)}`);
    }
    if (part.error !== undefined) throw new Error(part.error);
    const next = requirements[results.length];
    if (part.finished || next === undefined) {
      return reportOf({ subject, evidence, startedAt, seed, thorough, results });
    }
    const { id, group, sentence, contract } = next;
    const reason = `the process ${endOf(part)}`;
    const result = { id, group, sentence, contract, half: 'always', durationMs: 0 } as const;
    results.push({ ...result, outcome: 'failed', reason });
    onResult?.({ ...result, outcome: 'failed', reason });
  }
  throw new Error(`the process died more than ${CRASHES_MAX} times`);
}

function endOf({ signal, exitCode }: Part): string {
  return signal === null ? `ended with exit code ${exitCode}` : `died by ${signal}`;
}

async function runPartIn(
  module: URL,
  parameters: { readonly from: number; readonly thorough: boolean; readonly seed: number },
  onResult: RunOptions['onResult'],
): Promise<Part> {
  const suite = fileURLToPath(childUrl('suite'));
  const line = [suite, module.href, JSON.stringify(parameters)];
  // What a backend prints must not get between the lines of a report.
  const child = spawn(process.execPath, line, { stdio: ['ignore', 2, 2, 'pipe'] });
  const results: RequirementResult[] = [];
  let told: Partial<Part> = {};
  const lines = createInterface({ input: child.stdio[3] as NodeJS.ReadableStream });
  lines.on('line', (text) => {
    const { result, ...more } = JSON.parse(text) as Partial<Part> & { result?: RequirementResult };
    told = { ...told, ...more };
    if (result === undefined) return;
    results.push(result);
    onResult?.(result);
  });
  const drained = new Promise((resolve) => lines.once('close', resolve));
  const end = await new Promise<Pick<Part, 'signal' | 'exitCode'>>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode, signal) => resolve({ exitCode, signal }));
  });
  await drained;
  return { finished: false, ...told, ...end, results };
}
