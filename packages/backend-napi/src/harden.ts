import { isMainThread } from 'node:worker_threads';
import {
  checkHardenLimits,
  type Hardening,
  type HardenLimits,
  type HardenMeasure,
  type HardenReport,
  type HardenStep,
  harden,
  impossibleHardening,
  SecureMemoryError,
} from '@securemem/core/contract';
import { type Binding, loadBinding } from './binding.js';
import { failure } from './failure.js';
import { Status } from './status.js';

/** In the order of `Measure` in native/pages.h. */
const MEASURES: readonly HardenMeasure[] = [
  'not-dumpable',
  'core-limit',
  'lock-limit',
  'cpu-limit',
];

/** Whether the system itself says that the measure is in force. */
function inForce(value: number, valueMax: number): boolean {
  return value >= 0 && value <= valueMax;
}

function failed(measure: HardenMeasure, error: Error): HardenStep {
  const step = { measure, outcome: 'failed' as const, reason: error.message };
  if (!(error instanceof SecureMemoryError) || error.syscall === undefined) return step;
  return { ...step, syscall: error.syscall, ...(error.errno && { errno: error.errno }) };
}

function take(binding: Binding, measure: HardenMeasure, valueMax: number): HardenStep {
  const index = MEASURES.indexOf(measure);
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

function hardeningHere(): Hardening {
  let binding: Binding;
  try {
    binding = loadBinding();
  } catch (error) {
    return impossibleHardening((error as Error).message);
  }
  return {
    notDumpable: () => take(binding, 'not-dumpable', 0),
    coreLimit: (byteLengthMax) => take(binding, 'core-limit', byteLengthMax),
    lockLimit: (byteLengthMax) => take(binding, 'lock-limit', byteLengthMax),
    cpuLimit: (secondsMax) => take(binding, 'cpu-limit', secondsMax),
  };
}

/**
 * Makes it harder to get at the memory of this process from outside, for the whole process and for good: no core files, not
 * dumpable (other processes of the same user can no longer attach a debugger of the system or read `/proc/<pid>/mem`;
 * profilers that work so stop working too), no debugger of the runtime on SIGUSR1, and limits lowered where `limits` names
 * them. Children inherit the limits.
 *
 * Nothing calls it for you. It tries every step whatever becomes of the others and returns what is in force: look at
 * `complete`. It is false also while a debugger of the runtime is open, or an option of the runtime has a signal or a
 * crash write its heap or its environment to a file; the step `no-inspector` names them. Such options stay in force. On
 * Windows only core files can be switched off, on macOS there is no `not-dumpable`; the rest is reported as failed.
 *
 * Call it on the main thread and early: a worker thread can neither see nor close the debugger, and the step fails there.
 * From the first instruction on, `--disable-sigusr1` closes it (Node 22.14, 24 and later). A debugger that a signal opened
 * just before the call is closed soon after it; so is one that the program itself opens in the 5 s after the call. One that
 * it opens later stays open, and another call reports it.
 *
 * A lock limit does not bind a process with CAP_IPC_LOCK. It is set all the same, and binds once the capability is gone.
 *
 * @throws TypeError for an unknown limit, RangeError for a bad value; nothing has changed then.
 */
export function hardenProcess(limits?: HardenLimits): HardenReport {
  const wanted = checkHardenLimits(limits);
  const inspector = process.features.inspector
    ? process.getBuiltinModule('node:inspector')
    : undefined;
  return harden(hardeningHere(), { process, isMainThread, inspector }, wanted);
}
