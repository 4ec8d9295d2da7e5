import { type SpawnOptions, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ownProperties } from '@securemem/core/contract';
import { childUrl } from './child-url.js';
import { endOf } from './evidence/child.js';
import { NotProven } from './evidence/evidence.js';
import { outOfTime } from './evidence/out-of-time.js';
import { type Report, reportOf, type Subject } from './report.js';
import type { RunOptions } from './run-conformance.js';
import type { RequirementResult } from './run-requirement.js';
import { selected } from './selection.js';
import { takeSettings, urlOf } from './settings.js';

/** A backend that crashes this often has shown enough. */
const CRASHES_MAX = 20;

/** One requirement asks several children, one after another: twice what each of them may take without a sign of life is long. */
const SILENCE_MS_MAX = 600_000;

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
  /** Nothing came of a requirement for so long that the process was ended. */
  readonly late?: Error;
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
  const { module, thorough, seed, only, timeLimitMs, onResult } = takeSettings(options, [
    'onResult',
  ]);
  const chosen = selected(only);
  const startedAt = new Date();
  const results: RequirementResult[] = [];
  for (let crashes = 0; crashes <= CRASHES_MAX; crashes += 1) {
    const from = results.length;
    const parameters = { from, thorough, seed, only, timeLimitMs };
    const part = await runPartIn(urlOf(module), parameters, onResult);
    results.push(...part.results);
    const { subject, evidence } = part;
    if (subject === undefined || evidence === undefined) {
      throw new Error(part.error ?? `the backend cannot be opened: ${endOf(part)}`);
    }
    if (part.error !== undefined) throw new Error(part.error);
    const next = chosen[results.length];
    if (part.finished || next === undefined) {
      return reportOf({ subject, evidence, startedAt, seed, thorough, results });
    }
    const { id, group, sentence, contract } = next;
    const known = { id, group, sentence, contract, half: 'always', durationMs: 0 } as const;
    const { late } = part;
    const outcome = late instanceof NotProven ? 'not proven' : 'failed';
    const result = {
      ...known,
      outcome,
      reason: late?.message ?? `the process ${endOf(part)}`,
    } as const;
    results.push(result);
    onResult?.(result);
  }
  throw new Error(`the process died more than ${CRASHES_MAX} times`);
}

async function runPartIn(
  module: URL,
  parameters: { readonly from: number; readonly timeLimitMs: number | undefined },
  onResult: RunOptions['onResult'],
): Promise<Part> {
  const suite = fileURLToPath(childUrl('suite'));
  const line = [suite, module.href, JSON.stringify(parameters)];
  // What a backend prints must not get between the lines of a report.
  const options: SpawnOptions = { stdio: ['ignore', 2, 2, 'pipe'] };
  const child = spawn(process.execPath, line, ownProperties(options, 'options'));
  const results: RequirementResult[] = [];
  let told: Partial<Part> = {};
  const silenceMsMax =
    parameters.timeLimitMs === undefined ? SILENCE_MS_MAX : 2 * parameters.timeLimitMs;
  let ended = false;
  const watch = setTimeout(() => {
    ended = child.kill('SIGKILL');
  }, silenceMsMax);
  const lines = createInterface({ input: child.stdio[3] as NodeJS.ReadableStream });
  lines.on('line', (text) => {
    watch.refresh();
    const line: Partial<Part> & { result?: RequirementResult } = JSON.parse(text);
    const { result, ...more } = ownProperties(line, 'the line');
    told = { ...told, ...more };
    if (result === undefined) return;
    results.push(result);
    onResult?.(result);
  });
  const drained = new Promise((resolve) => lines.once('close', resolve));
  const end = await new Promise<Pick<Part, 'signal' | 'exitCode'>>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode, signal) => resolve({ exitCode, signal }));
  }).finally(() => clearTimeout(watch));
  await drained;
  const late = ended ? await outOfTime('the requirement', silenceMsMax) : undefined;
  const part = {
    finished: false,
    ...told,
    ...end,
    ...(late === undefined ? {} : { late }),
    results,
  };
  return ownProperties(part, 'the part');
}
