import { ownOptions } from '@securemem/core/contract';
import type { Binding } from './ffi.js';
import type { Hardening, HardenReport, HardenStep, Measure } from './harden-report.js';
import { bindHardenCalls, LinuxHardening } from './linux-harden.js';

export type { Hardening, HardenReport, HardenStep, Measure } from './harden-report.js';

/** Limits for this process. None is ever raised: what is stricter already stays as it is. */
export interface HardenLimits {
  /** Bytes that this process may lock. Left alone by default. */
  readonly lockedByteLengthMax?: number;
  /** Bytes of a core file. 0 by default: none. */
  readonly coreByteLengthMax?: number;
  /** Seconds of processor time, at least 1, over the whole life of the process: SIGXCPU, 5 s later SIGKILL. Left alone by default. */
  readonly cpuSecondsMax?: number;
}

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

/** Runs the steps that `limits` asks for. Separate from the system, so that a test can refuse each step. */
export function harden(hardening: Hardening, limits: HardenLimits): HardenReport {
  const { coreByteLengthMax = 0, lockedByteLengthMax, cpuSecondsMax } = limits;
  const steps = [hardening.notDumpable(), hardening.coreLimit(coreByteLengthMax)];
  if (lockedByteLengthMax !== undefined) steps.push(hardening.lockLimit(lockedByteLengthMax));
  if (cpuSecondsMax !== undefined) steps.push(hardening.cpuLimit(cpuSecondsMax));
  return { complete: steps.every((step) => step.outcome !== 'failed'), steps };
}

/** Every step fails, for the reason given. */
function impossible(reason: string): Hardening {
  const fail = (measure: Measure) => (): HardenStep => ({ measure, outcome: 'failed', reason });
  return {
    notDumpable: fail('not-dumpable'),
    coreLimit: fail('core-limit'),
    lockLimit: fail('lock-limit'),
    cpuLimit: fail('cpu-limit'),
  };
}

function hardeningOver(binding: Binding): Hardening {
  if (process.platform !== 'linux') return impossible(`not implemented on ${process.platform}`);
  try {
    return new LinuxHardening(bindHardenCalls(binding.load()));
  } catch (cause) {
    return impossible(`no system call can be made: ${(cause as Error).message}`);
  }
}

/**
 * Makes it harder to get at the memory of this process from outside, for the whole process and for good: no core files, not
 * dumpable (other processes of the same user can no longer attach a debugger or read `/proc/<pid>/mem`; profilers that work
 * so stop working too), and limits lowered where `limits` names them. Children inherit the limits.
 *
 * Nothing calls it for you. It tries every step whatever becomes of the others and returns what is in force: look at
 * `complete`. On Windows and macOS every step is reported as failed, since none is implemented there.
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
    const checked = takeLimits(limits);
    return harden(hardeningOver(binding), checked);
  };
}
