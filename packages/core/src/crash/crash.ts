/**
 * Why a supervised process ended, coarsely. A policy may treat each differently.
 *
 * - `requested-exit`: the process ended itself with an exit code, or its supervisor asked it to end. An exit code of 0
 *   while work was open is a crash like any other.
 * - `protocol`: what it said on its channel made no sense, or it closed the channel and stayed.
 * - `resource`: a limit of memory or processor time was reached.
 * - `engine-fault`: a fault of native code or of the engine itself, such as a segmentation fault.
 * - `external-kill`: a signal from somebody else: an operator, or the kernel when memory ran out.
 * - `hang`: it did not answer within the time a call may take, and was killed for that.
 * - `spawn`: it could not be started, or ended before it was ready.
 * - `unknown`: none of these can be told, an exception that nothing caught among them.
 */
export const CRASH_CATEGORIES = [
  'requested-exit',
  'protocol',
  'resource',
  'engine-fault',
  'external-kill',
  'hang',
  'spawn',
  'unknown',
] as const;

/** What a death was, as a policy sees it. */
export type CrashCategory = (typeof CRASH_CATEGORIES)[number];

/**
 * What the process was doing: starting, idle, busy with at least one call, in a callback to its host (the host works, the
 * process waits), or closing.
 */
export type CrashActivity = 'starting' | 'idle' | 'busy' | 'callback' | 'closing';

/**
 * What its supervisor knows beside the exit status, because it saw or did it itself.
 *
 * - `ended`: nothing; the process was gone.
 * - `spawn-failed`: the system could not start it.
 * - `protocol-error`: it broke the protocol and was killed for it.
 * - `call-timeout`: a call took too long, and it was killed for it.
 * - `memory-killed`: SIGKILL ended it, and the kernel has killed a process of its control group because memory ran out.
 * - `requested`: the supervisor was asked to close or to kill it.
 */
export type CrashObservation =
  | 'ended'
  | 'spawn-failed'
  | 'protocol-error'
  | 'call-timeout'
  | 'memory-killed'
  | 'requested';

/** The limits that were in force. Bytes and seconds; absent where none was set. */
export interface CrashLimits {
  readonly lockedByteLengthMax?: number | undefined;
  readonly coreByteLengthMax?: number | undefined;
  readonly cpuSecondsMax?: number | undefined;
  readonly heapByteLengthMax?: number | undefined;
}

/** One end of a supervised process, as facts. Classification and policy are computed from nothing else. */
export interface Crash {
  /** The exit code, or null when a signal ended it or it never started. */
  readonly code: number | null;
  /** The signal that ended it, such as `SIGKILL`, or null. */
  readonly signal: string | null;
  readonly activity: CrashActivity;
  readonly observation: CrashObservation;
  /** The last of what it wrote to its standard error. Text of the module in it: treat it as such. */
  readonly stderrTail: string;
  /** Milliseconds from the start of the process to its end. */
  readonly ageMs: number;
  readonly limits: CrashLimits;
}

/**
 * What is remembered between crashes of one supervised process, so that a decision can be a pure function.
 * `restartTimesMs` holds the times of the last restarts, oldest first; `restarts` counts all of them.
 */
export interface CrashHistory {
  readonly restartTimesMs: readonly number[];
  readonly restarts: number;
}

/** The history of a process that has not crashed yet. */
export const NO_CRASHES: CrashHistory = Object.freeze({ restartTimesMs: [], restarts: 0 });

/** No policy allows more restarts in its window, so no history needs to remember more. */
export const RESTARTS_MAX = 10_000;

/** The history after one more restart was granted at `nowMs`. */
export function withRestart(history: CrashHistory, nowMs: number): CrashHistory {
  const kept = history.restartTimesMs.slice(-(RESTARTS_MAX - 1));
  return { restartTimesMs: [...kept, nowMs], restarts: history.restarts + 1 };
}
