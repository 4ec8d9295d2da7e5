import {
  type Crash,
  type CrashActivity,
  type CrashCategory,
  type CrashDecision,
  SecureMemoryError,
} from '@securemem/core';

/** What became of one life of a keeper, as errors, events and statistics tell it. */
export interface CrashReport {
  readonly category: CrashCategory;
  /** How the category was reached, in words. */
  readonly reason: string;
  readonly code: number | null;
  readonly signal: string | null;
  readonly activity: CrashActivity;
  /** The process id; 0 where it never started. */
  readonly pid: number;
  /** Which life of the keeper, counted from 1. */
  readonly generation: number;
  /** Milliseconds from its start to its end. */
  readonly ageMs: number;
  /** When it ended, in milliseconds since the epoch. */
  readonly atMs: number;
  /** What the policy made of it; `closed` where the host itself asked for the end. */
  readonly decision: CrashDecision['action'] | 'closed';
  /** The last of its standard error, at most 4,096 bytes: the module's own words, so mind what it writes there. */
  readonly stderrTail: string;
}

/** A report without text of the keeper's own: this is what is kept, and safe to log. */
export type CrashSummary = Omit<CrashReport, 'stderrTail'>;

/** What there is to decide about an end that the host itself asked for: nothing. */
export interface RequestedEnd extends Pick<CrashDecision, 'category' | 'reason'> {
  readonly action: 'closed';
}

/** Ends of a process that are remembered. */
const ENDINGS_MAX = 20;

/** Appends a summary, and forgets the oldest beyond the maximum. */
export function remember(endings: CrashSummary[], report: CrashReport): void {
  const { stderrTail: _, ...summary } = report;
  endings.push(summary);
  if (endings.length > ENDINGS_MAX) endings.shift();
}

export function reportOf(
  crash: Crash,
  decision: Pick<CrashDecision, 'category' | 'reason'> & { action: CrashReport['decision'] },
  life: { readonly pid: number; readonly number: number },
): CrashReport {
  return Object.freeze({
    category: decision.category,
    reason: decision.reason,
    code: crash.code,
    signal: crash.signal,
    activity: crash.activity,
    pid: life.pid,
    generation: life.number,
    ageMs: crash.ageMs,
    atMs: Date.now(),
    decision: decision.action,
    stderrTail: crash.stderrTail,
  });
}

/** The error for one crash. All that fails because of the same crash has this very error as its cause. */
export function crashError(report: CrashReport, cause: Error | undefined): SecureMemoryError {
  const code =
    report.category === 'protocol' ? 'ERR_SECMEM_KEEPER_PROTOCOL' : 'ERR_SECMEM_KEEPER_CRASHED';
  const told = cause === undefined ? '' : `: ${cause.message}`;
  return new SecureMemoryError(
    code,
    `the keeper ended while ${DOING[report.activity]}: ${report.reason}${told}`,
    { operation: 'keeper', details: { crash: report }, ...(cause !== undefined && { cause }) },
  );
}

/** For a call that was in the keeper when it died: it may have happened or not, and is not repeated. */
export function outcomeUnknown(operation: string, crash: Error): SecureMemoryError {
  return new SecureMemoryError(
    'ERR_SECMEM_OUTCOME_UNKNOWN',
    `the keeper ended during ${operation}, which may have been carried out or not`,
    {
      operation,
      details: {
        crash: crashOf(crash),
        remedy:
          'find out whether it happened; mark calls as idempotent where repeating is harmless',
      },
      cause: crash,
    },
  );
}

const DOING: Readonly<Record<CrashActivity, string>> = {
  starting: 'starting',
  idle: 'idle',
  busy: 'busy',
  callback: 'waiting for its host in a callback',
  closing: 'closing',
};

/** The report that an error of this file carries; a halt may also come from elsewhere. */
export function crashOf(error: Error): CrashReport | undefined {
  return (error as { details?: { crash?: CrashReport } }).details?.crash;
}
