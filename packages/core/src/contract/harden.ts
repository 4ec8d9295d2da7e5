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
  /**
   * Bytes that this process may write to and shares with nobody: V8's heap, buffers and native memory, at least 1. What is in use
   * already stays; what exceeds it is refused, as an error or by the end of the process. Left alone by default; Linux.
   */
  readonly dataByteLengthMax?: number;
  /** Descriptors that this process may have open, sockets and pipes among them; at least 1. Left alone by default. */
  readonly openFilesMax?: number;
  /** True: no program that this process starts gains privileges by its file (`no_new_privs`). Left alone by default; Linux. */
  readonly noNewPrivileges?: boolean;
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
  /** Lowers the limit on private writable memory, in bytes; a stricter one stays. */
  dataLimit(byteLengthMax: number): HardenStep;
  /** Lowers the limit on open descriptors; a stricter one stays. */
  filesLimit(filesMax: number): HardenStep;
  /** Programs that are started from now on get no privileges by their files. */
  noNewPrivileges(): HardenStep;
}

/** The smallest value of each limit. */
const MINIMA = [
  ['lockedByteLengthMax', 0],
  ['coreByteLengthMax', 0],
  ['cpuSecondsMax', 1],
  ['dataByteLengthMax', 1],
  ['openFilesMax', 1],
] as const;

/**
 * The limits as their caller wrote them, checked. Throws `TypeError` for what is no object and for a limit that there is
 * not, and `RangeError` for a bad value.
 */
export function checkHardenLimits(given: HardenLimits | undefined): HardenLimits {
  const names = [...MINIMA.map(([name]) => name), 'noNewPrivileges'] as const;
  const limits = ownOptions(given, names, 'limits');
  const { noNewPrivileges } = limits;
  if (noNewPrivileges !== undefined && typeof noNewPrivileges !== 'boolean') {
    throw new TypeError('noNewPrivileges must be a boolean');
  }
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
  const { dataByteLengthMax, openFilesMax, noNewPrivileges } = limits;
  const steps = [hardening.notDumpable(), hardening.coreLimit(coreByteLengthMax)];
  if (lockedByteLengthMax !== undefined) steps.push(hardening.lockLimit(lockedByteLengthMax));
  if (cpuSecondsMax !== undefined) steps.push(hardening.cpuLimit(cpuSecondsMax));
  if (dataByteLengthMax !== undefined) steps.push(hardening.dataLimit(dataByteLengthMax));
  if (openFilesMax !== undefined) steps.push(hardening.filesLimit(openFilesMax));
  if (noNewPrivileges) steps.push(hardening.noNewPrivileges());
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
    dataLimit: fail('data-limit'),
    filesLimit: fail('files-limit'),
    noNewPrivileges: fail('no-new-privileges'),
  };
}
