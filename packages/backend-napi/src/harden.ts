import { isMainThread } from 'node:worker_threads';
import {
  checkHardenLimits,
  type Hardening,
  type HardenLimits,
  type HardenReport,
  harden,
  impossibleHardening,
} from '@securemem/core/contract';
import {
  type Failed,
  type HardenCalls,
  LimitHardening,
  type ProcessLimit,
} from '@securemem/over-ffi/limit-hardening';
import { type Binding, loadBinding } from './binding.js';
import { lastRefusal } from './failure.js';
import { Status } from './status.js';

/** In the order of `Limit` in native/pages.h. */
const LIMITS: readonly ProcessLimit[] = ['core', 'locked', 'cpu'];

function callsOf(binding: Binding): HardenCalls {
  const failed = (status: number): Failed =>
    status === Status.refused ? lastRefusal(binding) : 'not supported';
  const of = (status: number) => (status === Status.ok ? undefined : failed(status));
  return {
    limit: (which, words) => of(binding.limit(LIMITS.indexOf(which), words)),
    setLimit: (which, words) => of(binding.setLimit(LIMITS.indexOf(which), words)),
    dumpable() {
      const answer = binding.dumpable();
      return answer < 0 ? failed(-answer) : answer === 1;
    },
    forbidDumps: () => of(binding.forbidDumps()),
  };
}

function hardeningHere(): Hardening {
  try {
    return new LimitHardening(callsOf(loadBinding()));
  } catch (error) {
    return impossibleHardening((error as Error).message);
  }
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
