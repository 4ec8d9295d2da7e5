import { loadBinding } from './binding.js';
import { failure } from './failure.js';
import { Status } from './status.js';

/** Limits to set; what is absent is left alone, except core files, which are switched off by default. */
export interface HardenLimits {
  /** Bytes that this process may lock. Lowers the limit, never raises it. */
  readonly lockedByteLengthMax?: number;
  /** Bytes of a core file. Default 0: a crash writes no memory to disk. */
  readonly coreByteLengthMax?: number;
  /** Seconds of processor time over the whole life of this process; SIGXCPU at that time, SIGKILL a second later. */
  readonly cpuSecondsMax?: number;
}

/**
 * - `core-files`: the limit of core files is lowered.
 * - `not-dumpable`: no core files whatever the limit, and no ptrace or `/proc/<pid>/mem` for processes of the same user.
 * - `lock-limit`, `cpu-limit`: the limits that were asked for.
 */
export type HardenStep = 'core-files' | 'not-dumpable' | 'lock-limit' | 'cpu-limit';

/** What was done and what was not, step by step. A step that was not asked for is in neither list. */
export interface HardenReport {
  readonly done: readonly HardenStep[];
  readonly failed: readonly { readonly step: HardenStep; readonly reason: string }[];
}

/** In the order of the items of `harden` in native/addon.cc. */
const STEPS: readonly HardenStep[] = ['core-files', 'not-dumpable', 'lock-limit', 'cpu-limit'];

const NAMES: readonly string[] = ['lockedByteLengthMax', 'coreByteLengthMax', 'cpuSecondsMax'];

function checkLimits(limits: HardenLimits): void {
  for (const [name, value] of Object.entries(limits)) {
    if (!NAMES.includes(name)) throw new TypeError(`hardenProcess() has no limit ${name}`);
    if (value !== undefined && (!Number.isSafeInteger(value) || value < 0)) {
      throw new RangeError(`${name} must be a non-negative integer`);
    }
  }
}

/**
 * Hardens this whole process, for good: limits can be lowered further but not raised again. An explicit call, since it
 * concerns every part of the program; it throws for wrong arguments only, and reports every step that it could not do.
 */
export function hardenProcess(limits: HardenLimits = {}): HardenReport {
  checkLimits(limits);
  const binding = loadBinding();
  const wanted: readonly (number | undefined)[] = [
    limits.coreByteLengthMax ?? 0,
    // A core file that is explicitly allowed needs a process that may be dumped.
    (limits.coreByteLengthMax ?? 0) === 0 ? 0 : undefined,
    limits.lockedByteLengthMax,
    limits.cpuSecondsMax,
  ];
  const done: HardenStep[] = [];
  const failed: { step: HardenStep; reason: string }[] = [];
  for (const [item, step] of STEPS.entries()) {
    const limit = wanted[item];
    if (limit === undefined) continue;
    const status = binding.harden(item, limit);
    if (status === Status.ok) done.push(step);
    else failed.push({ step, reason: failure(binding, status, 'hardenProcess').message });
  }
  return { done, failed };
}
