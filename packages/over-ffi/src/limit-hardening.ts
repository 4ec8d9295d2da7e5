import type { Hardening, HardenMeasure, HardenStep } from '@securemem/core/contract';

/** A limit of the process that hardening lowers. */
export type ProcessLimit = 'core' | 'locked' | 'cpu';

/** What went wrong, in a word: the call that was refused with its number, or that the system has nothing of the kind. */
export type Failed = { readonly syscall: string; readonly errno: number } | 'not supported';

/** What hardening calls, as a table: one for each way to call the system, and one that refuses each of them in tests. */
export interface HardenCalls {
  /** Writes the soft and the hard limit; all bits are set where there is none. */
  limit(which: ProcessLimit, words: BigUint64Array): Failed | undefined;
  setLimit(which: ProcessLimit, words: BigUint64Array): Failed | undefined;
  dumpable(): boolean | Failed;
  forbidDumps(): Failed | undefined;
}

const NO_LIMIT = 2n ** 64n - 1n;

/**
 * The kernel sends SIGXCPU at the soft limit and SIGKILL at the hard one, and only SIGKILL where they are equal: without a
 * distance nobody could tell an exhausted limit from a kill by an administrator or by the out-of-memory killer.
 */
const CPU_GRACE_SECONDS = 5n;

/** Limits that are lowered and read back, and a process that is not dumpable: no core files, no ptrace by other processes. */
export class LimitHardening implements Hardening {
  readonly #calls: HardenCalls;

  constructor(calls: HardenCalls) {
    this.#calls = calls;
  }

  notDumpable(): HardenStep {
    const measure = 'not-dumpable';
    const before = this.#calls.dumpable();
    if (before === false) return { measure, outcome: 'already' };
    const refused = this.#calls.forbidDumps();
    if (refused !== undefined) return failed(measure, refused);
    return this.#calls.dumpable() === false
      ? { measure, outcome: 'set' }
      : notDone(measure, 'prctl');
  }

  coreLimit(byteLengthMax: number): HardenStep {
    return this.#lower('core-limit', 'core', BigInt(byteLengthMax), 0n);
  }

  lockLimit(byteLengthMax: number): HardenStep {
    return this.#lower('lock-limit', 'locked', BigInt(byteLengthMax), 0n);
  }

  cpuLimit(secondsMax: number): HardenStep {
    return this.#lower('cpu-limit', 'cpu', BigInt(secondsMax), CPU_GRACE_SECONDS);
  }

  /** Lowers the soft limit to `max` and the hard one to `max` and `grace`; raises neither. */
  #lower(measure: HardenMeasure, which: ProcessLimit, max: bigint, grace: bigint): HardenStep {
    const limits = new BigUint64Array(2);
    const unread = this.#calls.limit(which, limits);
    if (unread !== undefined) return failed(measure, unread);
    const [softBefore, hardBefore] = limits as unknown as [bigint, bigint];
    const hard = smaller(hardBefore, max + grace);
    let soft = smaller(smaller(softBefore, max), hard);
    if (grace > 0n && soft === hard && hard > 1n) soft = hard - 1n;
    if (soft === softBefore && hard === hardBefore) {
      return { measure, outcome: 'already', ...inForce(soft) };
    }
    limits.set([soft, hard]);
    const refused = this.#calls.setLimit(which, limits) ?? this.#calls.limit(which, limits);
    if (refused !== undefined) return failed(measure, refused);
    if (limits[0] !== soft || limits[1] !== hard) return notDone(measure, 'setrlimit');
    return { measure, outcome: 'set', ...inForce(soft) };
  }
}

function failed(measure: HardenMeasure, what: Failed): HardenStep {
  if (what === 'not supported') {
    return { measure, outcome: 'failed', reason: 'this system has nothing of the kind' };
  }
  const { syscall, errno } = what;
  return { measure, outcome: 'failed', syscall, errno, reason: `${syscall} gave error ${errno}` };
}

function notDone(measure: HardenMeasure, syscall: string): HardenStep {
  return { measure, outcome: 'failed', syscall, reason: 'reported done, but is not' };
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function inForce(limit: bigint): { value: number } | object {
  return limit === NO_LIMIT ? {} : { value: Number(limit) };
}
