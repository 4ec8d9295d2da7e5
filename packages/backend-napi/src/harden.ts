import { ownOptions, SecureMemoryError } from '@securemem/core/contract';
import { type Binding, loadBinding } from './binding.js';
import { failure } from './failure.js';
import { Status } from './status.js';

/** Limits for this process. None is ever raised: what is stricter already stays as it is. */
export interface HardenLimits {
  /** Bytes that this process may lock. Left alone by default. */
  readonly lockedByteLengthMax?: number;
  /** Bytes of a core file. 0 by default: none. */
  readonly coreByteLengthMax?: number;
  /** Seconds of processor time, at least 1, over the whole life of the process: SIGXCPU, 5 s later SIGKILL. Left alone by default. */
  readonly cpuSecondsMax?: number;
}

/** What one step of hardening is about. */
export type Measure = 'not-dumpable' | 'core-limit' | 'lock-limit' | 'cpu-limit';

/** What became of one step, read back from the system. */
export interface HardenStep {
  readonly measure: Measure;
  /** `already`: the limit in force was as strict or stricter before. */
  readonly outcome: 'set' | 'already' | 'failed';
  /** The limit in force now, in bytes or seconds. */
  readonly value?: number;
  /** Why it failed. */
  readonly reason?: string;
  readonly syscall?: string;
  readonly errno?: number;
}

/** What became of each step of hardening. */
export interface HardenReport {
  /** True when no step failed. */
  readonly complete: boolean;
  readonly steps: readonly HardenStep[];
}

/** In the order of `Measure` in native/pages.h. */
const MEASURES: readonly Measure[] = ['not-dumpable', 'core-limit', 'lock-limit', 'cpu-limit'];

/** The smallest value of each limit. */
const MINIMA = [
  ['lockedByteLengthMax', 0],
  ['coreByteLengthMax', 0],
  ['cpuSecondsMax', 1],
] as const;

/** The limits as their caller wrote them, checked. */
function takeLimits(given: HardenLimits | undefined): HardenLimits {
  const limits = ownOptions(
    given,
    MINIMA.map(([name]) => name),
    'limits',
  );
  for (const [name, minimum] of MINIMA) {
    const value = limits[name];
    if (value !== undefined && (!Number.isSafeInteger(value) || value < minimum)) {
      throw new RangeError(`${name} must be an integer of at least ${minimum}`);
    }
  }
  return limits;
}

/** Whether the system itself says that the measure is in force. */
function inForce(value: number, valueMax: number): boolean {
  return value >= 0 && value <= valueMax;
}

function failed(measure: Measure, error: Error): HardenStep {
  const step = { measure, outcome: 'failed' as const, reason: error.message };
  if (!(error instanceof SecureMemoryError) || error.syscall === undefined) return step;
  return { ...step, syscall: error.syscall, ...(error.errno && { errno: error.errno }) };
}

function take(binding: Binding, index: number, measure: Measure, valueMax: number): HardenStep {
  const already = inForce(binding.measureNow(index), valueMax);
  // Also taken when it is in force already: that may be the soft limit only, which anybody could raise again.
  const status = binding.takeMeasure(index, valueMax);
  if (status !== Status.ok) return failed(measure, failure(binding, status, 'hardenProcess'));
  const value = binding.measureNow(index);
  if (!inForce(value, valueMax)) {
    return failed(measure, new Error('the system says that it did it and did not'));
  }
  const outcome = already ? 'already' : 'set';
  return measure === 'not-dumpable' ? { measure, outcome } : { measure, outcome, value };
}

/**
 * Makes it harder to get at the memory of this process from outside, for the whole process and for good: no core files, not
 * dumpable (other processes of the same user can no longer attach a debugger or read `/proc/<pid>/mem`; profilers that work
 * so stop working too), and limits lowered where `limits` names them. Children inherit the limits.
 *
 * Nothing calls it for you. It tries every step whatever becomes of the others and returns what is in force: look at
 * `complete`. On Windows only core files can be switched off, on macOS there is no `not-dumpable`; the rest is reported as
 * failed.
 *
 * A lock limit does not bind a process with CAP_IPC_LOCK. It is set all the same, and binds once the capability is gone.
 *
 * @throws TypeError for an unknown limit, RangeError for a bad value; nothing has changed then.
 */
export function hardenProcess(limits?: HardenLimits): HardenReport {
  const { coreByteLengthMax = 0, lockedByteLengthMax, cpuSecondsMax } = takeLimits(limits);
  const wanted = [0, coreByteLengthMax, lockedByteLengthMax, cpuSecondsMax];
  const steps: HardenStep[] = [];
  let binding: Binding | undefined;
  let problem: Error | undefined;
  try {
    binding = loadBinding();
  } catch (error) {
    problem = error as Error;
  }
  for (const [index, measure] of MEASURES.entries()) {
    const valueMax = wanted[index];
    if (valueMax === undefined) continue;
    if (binding === undefined) steps.push(failed(measure, problem as Error));
    else steps.push(take(binding, index, measure, valueMax));
  }
  return { complete: steps.every((step) => step.outcome !== 'failed'), steps };
}
