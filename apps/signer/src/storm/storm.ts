import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { confine, proveConfinement } from '@securemem/confined';
import type { Figures, Signed, StormMessage } from './messages.js';
import type { StormOptions } from './options.js';
import type { StormReport } from './report.js';
import { isGenuine } from './verification.js';

/** Told while a storm runs, at every batch of answers. */
export type StormProgress = (stage: 'sign' | 'verify', done: number, requests: number) => void;

/** The signing process could not even start: no backend, a budget too small for one request. */
export class StormRefused extends Error {}

/** How many signatures are checked between two looks at the rest of the world. */
const VERIFY_BATCH = 50;
/** Always the built file, also where this module runs from its source. */
const SIGNING_PROCESS = createRequire(import.meta.url).resolve('@securemem/signer/signing-process');

interface Outcome {
  senders: readonly string[];
  budgetByteLength: number;
  readonly signed: Signed[];
  readonly failedByCode: Record<string, number>;
  figures: Figures | undefined;
}

/**
 * Runs one storm in a confined child process and verifies every signature afterwards. Never rejects for what requests or
 * the process do: a death is the `crashed` of the report, and every request without an answer a failure. Rejects with
 * StormRefused when the process could not start to sign. The process runs in the Node that is this `program`.
 */
export async function runStorm(
  options: StormOptions,
  onProgress: StormProgress = () => {},
  program: string = process.execPath,
): Promise<StormReport> {
  const startedAt = performance.now();
  const { child, confined } = start(options, program);
  const outcome: Outcome = {
    senders: [],
    budgetByteLength: options.budgetByteLength ?? 0,
    signed: [],
    failedByCode: {},
    figures: undefined,
  };
  const died = await watch(child, options, outcome, onProgress);
  const verifyingAt = performance.now();
  const verified = await verifyAll(outcome, onProgress);
  const { signed, figures } = outcome;
  const signMs = figures?.signMs ?? verifyingAt - startedAt;
  return {
    backend: options.backend,
    placement: options.placement,
    onCapacity: options.onCapacity,
    memlockByteLength: options.memlockByteLength,
    budgetByteLength: outcome.budgetByteLength,
    confined,
    concurrency: options.concurrency,
    requests: options.requests,
    succeeded: signed.length,
    verified,
    failedByCode: withUnanswered(outcome, options.requests),
    crashed: died,
    admissionWaits: figures?.admissionWaits ?? 0,
    queueLengthPeak: figures?.queueLengthPeak ?? 0,
    peakLockedByteLength: figures?.peakLockedByteLength ?? 0,
    lockedByteLengthBefore: figures?.lockedByteLengthBefore ?? 0,
    lockedByteLengthAfter: figures?.lockedByteLengthAfter ?? 0,
    unhandledRejections: figures?.unhandledRejections ?? 0,
    wallMs: rounded(performance.now() - startedAt),
    signMs: rounded(signMs),
    verifyMs: rounded(performance.now() - verifyingAt),
    requestsPerSecond: rounded((signed.length / signMs) * 1_000),
    ...keeperFigures(options, figures),
  };
}

function keeperFigures(options: StormOptions, figures: Figures | undefined) {
  if (options.keeper === undefined) return {};
  return {
    keeperCrashes: figures?.keeperCrashes ?? 0,
    keeperRestarts: figures?.keeperRestarts ?? 0,
    keeperCauses: figures?.keeperCauses ?? [],
  };
}

/** Starts the signing process under the limit where this system can enforce one. */
function start(options: StormOptions, program: string): { child: ChildProcess; confined: boolean } {
  const args = [SIGNING_PROCESS, JSON.stringify(options)];
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const;
  const { memlockByteLength } = options;
  if (memlockByteLength > 0) {
    const confinement = {
      memlockByteLength,
      as: process.getuid?.() === 0 ? 'root' : 'user',
    } as const;
    if (proveConfinement(confinement).proven) {
      const line = confine(program, args, confinement);
      return { child: spawn(line.command, line.args, { stdio: [...stdio] }), confined: true };
    }
  }
  return { child: spawn(program, args, { stdio: [...stdio] }), confined: false };
}

/** Collects what the process says until it is gone. Resolves with whether it died instead of finishing. */
function watch(
  child: ChildProcess,
  { requests }: StormOptions,
  outcome: Outcome,
  onProgress: StormProgress,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let done = 0;
    let refusal: StormRefused | undefined;
    child.on('message', (message: StormMessage) => {
      if (message.type === 'opened') {
        outcome.senders = message.senders;
        outcome.budgetByteLength = message.budgetByteLength;
      } else if (message.type === 'settled') {
        outcome.signed.push(...message.signed);
        for (const { code } of message.failed) count(outcome.failedByCode, code, 1);
        done += message.signed.length + message.failed.length;
        onProgress('sign', done, requests);
      } else if (message.type === 'finished') outcome.figures = message.figures;
      else refusal = new StormRefused(`${message.code}: ${message.message}`);
    });
    child.once('error', reject);
    // `close` comes after the channel has delivered its last message; `exit` may come before.
    child.once('close', (code) => {
      if (refusal !== undefined) reject(refusal);
      else resolve(code !== 0 || outcome.figures === undefined);
    });
  });
}

async function verifyAll(outcome: Outcome, onProgress: StormProgress): Promise<number> {
  const { signed, senders } = outcome;
  const seen = new Set<number>();
  let verified = 0;
  for (const [at, entry] of signed.entries()) {
    if (!seen.has(entry.index) && isGenuine(entry, senders)) verified++;
    seen.add(entry.index);
    if (at % VERIFY_BATCH !== 0) continue;
    onProgress('verify', at, signed.length);
    await new Promise(setImmediate);
  }
  return verified;
}

/** What a process that died has not answered failed too, and by no code of ours. */
function withUnanswered(outcome: Outcome, requests: number): Readonly<Record<string, number>> {
  const failed = { ...outcome.failedByCode };
  const answered = outcome.signed.length + Object.values(failed).reduce((a, b) => a + b, 0);
  if (answered < requests) count(failed, 'PROCESS_DIED', requests - answered);
  return failed;
}

function count(counts: Record<string, number>, code: string, by: number): void {
  counts[code] = (counts[code] ?? 0) + by;
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
