import type { Hardening, HardenMeasure, HardenStep } from '@securemem/core/contract';

/** A limit of the process that hardening lowers. */
export type ProcessLimit = 'core' | 'locked' | 'cpu' | 'data' | 'files';

/** What went wrong, in a word: the call that was refused with its number, or that the system has nothing of the kind. */
export type Failed = { readonly syscall: string; readonly errno: number } | 'not supported';

/** What hardening calls, as a table: one for each way to call the system, and one that refuses each of them in tests. */
export interface HardenCalls {
  /** Writes the soft and the hard limit; all bits are set where there is none. */
  limit(which: ProcessLimit, words: BigUint64Array): Failed | undefined;
  setLimit(which: ProcessLimit, words: BigUint64Array): Failed | undefined;
  dumpable(): boolean | Failed;
  forbidDumps(): Failed | undefined;
  /** Whether programs that are started can gain privileges by their files. */
  privilegesGained(): boolean | Failed;
  forbidPrivileges(): Failed | undefined;
}

const NO_LIMIT = 2n ** 64n - 1n;

/**
 * The kernel sends SIGXCPU at the soft limit and SIGKILL at the hard one, and only SIGKILL where they are equal: without a
 * distance nobody could tell an exhausted limit from a kill by an administrator or by the out-of-memory killer.
 */
const CPU_GRACE_SECONDS = 5n;

/**
 * Limits that are lowered and read back, and what is forbidden for good: dumps, with which go core files and ptrace by other processes,
 * and privileges that a program would gain by its file.
 */
export class LimitHardening implements Hardening {
  readonly #calls: HardenCalls;

  constructor(calls: HardenCalls) {
    this.#calls = calls;
  }

  notDumpable(): HardenStep {
    return forbid(
      'not-dumpable',
      () => this.#calls.dumpable(),
      () => this.#calls.forbidDumps(),
    );
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

  dataLimit(byteLengthMax: number): HardenStep {
    return this.#lower('data-limit', 'data', BigInt(byteLengthMax), 0n);
  }

  filesLimit(filesMax: number): HardenStep {
    return this.#lower('files-limit', 'files', BigInt(filesMax), 0n);
  }

  noNewPrivileges(): HardenStep {
    return forbid(
      'no-new-privileges',
      () => this.#calls.privilegesGained(),
      () => this.#calls.forbidPrivileges(),
    );
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

/** Forbids what `allowed` tells of, and asks again. */
function forbid(
  measure: HardenMeasure,
  allowed: () => boolean | Failed,
  prevent: () => Failed | undefined,
): HardenStep {
  if (allowed() === false) return { measure, outcome: 'already' };
  const refused = prevent();
  if (refused !== undefined) return failed(measure, refused);
  return allowed() === false ? { measure, outcome: 'set' } : notDone(measure, 'prctl');
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
