import type { Hardening, HardenMeasure, HardenStep } from '@securemem/core/contract';
import { Errno } from './errno.js';
import type { CType, Ffi } from './ffi.js';

/** What hardening calls, as a table, so that a test can refuse each of them. */
export interface HardenCalls {
  getrlimit(resource: number, limits: BigUint64Array): number;
  setrlimit(resource: number, limits: BigUint64Array): number;
  prctl(option: number, value: number, a: 0, b: 0, c: 0): number;
  errno(): number;
}

/** Binds the table. Throws where a function is missing. */
export function bindHardenCalls(ffi: Ffi): HardenCalls {
  const libc = ffi.library(null);
  const errno = new Errno(ffi);
  const call = <Name extends keyof HardenCalls>(
    name: Name,
    parameters: readonly CType[],
  ): HardenCalls[Name] =>
    errno.kept(libc.func<HardenCalls[Name]>(name, 'int', parameters), parameters.length);
  return {
    getrlimit: call('getrlimit', ['int', 'pointer']),
    setrlimit: call('setrlimit', ['int', 'pointer']),
    prctl: call('prctl', ['int', 'size', 'size', 'size', 'size']),
    errno: () => errno.last(),
  };
}

const RLIMIT_CPU = 0;
const RLIMIT_CORE = 4;
const RLIMIT_MEMLOCK = 8;
const RLIM_INFINITY = 2n ** 64n - 1n;
const PR_GET_DUMPABLE = 3;
const PR_SET_DUMPABLE = 4;

/**
 * The kernel sends SIGXCPU at the soft limit and SIGKILL at the hard one, and only SIGKILL where they are equal: without a
 * distance nobody could tell an exhausted limit from a kill by an administrator or by the out-of-memory killer.
 */
const CPU_GRACE_SECONDS = 5n;

/** Linux: limits by setrlimit, read back; `PR_SET_DUMPABLE` for core files, ptrace and `/proc/<pid>/mem` of other users. */
export class LinuxHardening implements Hardening {
  readonly #calls: HardenCalls;

  constructor(calls: HardenCalls) {
    this.#calls = calls;
  }

  notDumpable(): HardenStep {
    const measure = 'not-dumpable';
    if (this.#calls.prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) === 0)
      return { measure, outcome: 'already' };
    if (this.#calls.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) !== 0) return this.#failed(measure, 'prctl');
    if (this.#calls.prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) === 0) return { measure, outcome: 'set' };
    return { measure, outcome: 'failed', syscall: 'prctl', reason: 'reported done, but is not' };
  }

  coreLimit(byteLengthMax: number): HardenStep {
    return this.#lower('core-limit', RLIMIT_CORE, BigInt(byteLengthMax), 0n);
  }

  lockLimit(byteLengthMax: number): HardenStep {
    return this.#lower('lock-limit', RLIMIT_MEMLOCK, BigInt(byteLengthMax), 0n);
  }

  cpuLimit(secondsMax: number): HardenStep {
    return this.#lower('cpu-limit', RLIMIT_CPU, BigInt(secondsMax), CPU_GRACE_SECONDS);
  }

  /** Lowers the soft limit to `max` and the hard one to `max` and `grace`; raises neither. */
  #lower(measure: HardenMeasure, resource: number, max: bigint, grace: bigint): HardenStep {
    const limits = new BigUint64Array(2);
    if (this.#calls.getrlimit(resource, limits) !== 0) return this.#failed(measure, 'getrlimit');
    const [softBefore, hardBefore] = limits as unknown as [bigint, bigint];
    const hard = smaller(hardBefore, max + grace);
    let soft = smaller(smaller(softBefore, max), hard);
    if (grace > 0n && soft === hard && hard > 1n) soft = hard - 1n;
    if (soft === softBefore && hard === hardBefore) {
      return { measure, outcome: 'already', ...inForce(soft) };
    }
    limits.set([soft, hard]);
    if (this.#calls.setrlimit(resource, limits) !== 0) return this.#failed(measure, 'setrlimit');
    if (this.#calls.getrlimit(resource, limits) !== 0) return this.#failed(measure, 'getrlimit');
    if (limits[0] === soft && limits[1] === hard)
      return { measure, outcome: 'set', ...inForce(soft) };
    return {
      measure,
      outcome: 'failed',
      syscall: 'setrlimit',
      reason: 'reported done, but is not',
    };
  }

  #failed(measure: HardenMeasure, syscall: string): HardenStep {
    const errno = this.#calls.errno();
    return { measure, outcome: 'failed', syscall, errno, reason: `${syscall} gave error ${errno}` };
  }
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function inForce(limit: bigint): { value: number } | object {
  return limit === RLIM_INFINITY ? {} : { value: Number(limit) };
}
