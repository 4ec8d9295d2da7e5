import type { HardenMeasure, HardenReport, HardenStep } from './harden-report.js';
import { ownOptions } from './own-properties.js';
import { closeDebugger, type Runtime } from './runtime-debugger.js';

/** Limits for this process. None is ever raised: what is stricter already stays as it is. */
export interface HardenLimits {
  /** Bytes that this process may lock. Left alone by default. */
  readonly lockedByteLengthMax?: number;
  /** Bytes of a core file. 0 by default: none. */
  readonly coreByteLengthMax?: number;
  /** Seconds of processor time, at least 1, over the whole life of the process: SIGXCPU, 5 s later SIGKILL. Left alone by default. */
  readonly cpuSecondsMax?: number;
}

/** The measures that an operating system takes; a native backend implements them. None of them throws. */
export interface Hardening {
  /** Other processes of the same user may neither attach nor read `/proc/<pid>/mem`, where the system knows of that. */
  notDumpable(): HardenStep;
  /** Lowers the limit on the size of core files, in bytes; a stricter one stays. */
  coreLimit(byteLengthMax: number): HardenStep;
  /** Lowers the limit on locked memory, in bytes; a stricter one stays. */
  lockLimit(byteLengthMax: number): HardenStep;
  /** Lowers the limit on processor time, in seconds; a stricter one stays. */
  cpuLimit(secondsMax: number): HardenStep;
}

/** The smallest value of each limit. */
const MINIMA = [
  ['lockedByteLengthMax', 0],
  ['coreByteLengthMax', 0],
  ['cpuSecondsMax', 1],
] as const;

/**
 * The limits as their caller wrote them, checked. Throws `TypeError` for what is no object and for a limit that there is
 * not, and `RangeError` for a bad value.
 */
export function checkHardenLimits(given: HardenLimits | undefined): HardenLimits {
  const names = MINIMA.map(([name]) => name);
  const limits = ownOptions(given, names, 'limits');
  for (const [name, minimum] of MINIMA) {
    const value = limits[name];
    if (value !== undefined && (!Number.isSafeInteger(value) || value < minimum)) {
      throw new RangeError(`${name} must be an integer of at least ${minimum}`);
    }
  }
  return limits;
}

/** Takes every measure that `limits` asks for, whatever becomes of the others. Precondition: the limits are checked. */
export function harden(hardening: Hardening, runtime: Runtime, limits: HardenLimits): HardenReport {
  const { coreByteLengthMax = 0, lockedByteLengthMax, cpuSecondsMax } = limits;
  const steps = [hardening.notDumpable(), hardening.coreLimit(coreByteLengthMax)];
  if (lockedByteLengthMax !== undefined) steps.push(hardening.lockLimit(lockedByteLengthMax));
  if (cpuSecondsMax !== undefined) steps.push(hardening.cpuLimit(cpuSecondsMax));
  steps.push(closeDebugger(runtime));
  return { complete: steps.every((step) => step.outcome !== 'failed'), steps };
}

/** A system on which every measure fails, for the reason given. */
export function impossibleHardening(reason: string): Hardening {
  const fail = (measure: HardenMeasure) => (): HardenStep => ({
    measure,
    outcome: 'failed',
    reason,
  });
  return {
    notDumpable: fail('not-dumpable'),
    coreLimit: fail('core-limit'),
    lockLimit: fail('lock-limit'),
    cpuLimit: fail('cpu-limit'),
  };
}
