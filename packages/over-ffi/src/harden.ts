import { isMainThread } from 'node:worker_threads';
import {
  checkHardenLimits,
  type Hardening,
  type HardenLimits,
  type HardenReport,
  harden,
  impossibleHardening,
} from '@securemem/core/contract';
import type { Binding } from './ffi.js';
import { LimitHardening } from './limit-hardening.js';
import { linuxHardenCalls } from './linux-harden.js';

function hardeningOver(binding: Binding): Hardening {
  if (process.platform !== 'linux')
    return impossibleHardening(`not implemented on ${process.platform}`);
  try {
    return new LimitHardening(linuxHardenCalls(binding.load()));
  } catch (cause) {
    return impossibleHardening(`no system call can be made: ${(cause as Error).message}`);
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
 * Windows and macOS every other step is reported as failed, since none is implemented there.
 *
 * Call it on the main thread and early: a worker thread can neither see nor close the debugger, and the step fails there.
 * From the first instruction on, `--disable-sigusr1` closes it (Node 22.14, 24 and later). A debugger that a signal opened
 * just before the call is closed soon after it; so is one that the program itself opens in the 5 s after the call. One that
 * it opens later stays open, and another call reports it.
 *
 * A core file that goes to a program (`core_pattern` begins with `|`) ignores the limit of 0; being not dumpable prevents it
 * as well.
 *
 * @throws TypeError for an unknown limit, RangeError for a bad value; nothing has changed then.
 */
export type HardenProcess = (limits?: HardenLimits) => HardenReport;

/** `hardenProcess` by the calls of one FFI, which is loaded when it is called. */
export function hardenProcessOver(binding: Binding): HardenProcess {
  return (limits) => {
    const wanted = checkHardenLimits(limits);
    const inspector = process.features.inspector
      ? process.getBuiltinModule('node:inspector')
      : undefined;
    return harden(hardeningOver(binding), { process, isMainThread, inspector }, wanted);
  };
}
