import type { LockLimit, Protection, RegionFacts } from '@securemem/core/contract';
import { type Address, offsetBy } from './address.js';
import type { DarwinCalls } from './darwin-calls.js';
import type { BackendErrors } from './errors.js';
import {
  explainLockRefusal,
  explainMapRefusal,
  type Refusal,
  type RefusalNumbers,
  type Verdict,
} from './refusal.js';
import type { Place, Span, System, SystemCapabilities } from './system.js';

const PROT = { 'no-access': 0, 'read-only': 1, 'read-write': 3 } as const;
const MAP_PRIVATE_ANON = 0x0002 | 0x1000;
const MAP_FAILED = 2n ** 64n - 1n;
const VM_INHERIT_NONE = 2;
const RLIMIT_MEMLOCK = 6;
const RLIM_INFINITY = 2n ** 63n - 1n;

const NUMBERS: RefusalNumbers = {
  noMemory: [12], // ENOMEM
  tryAgain: -1,
  lockLimit: [35], // EAGAIN: the limit of this process or the system's limit on wired memory
  forbidden: [1, 13], // EPERM, EACCES
};

const LOCK_REMEDY = 'raise the limit with ulimit -l, or vm.user_wire_limit with sysctl';

/**
 * macOS. Written from Apple's manual pages and tested against a stand-in only; no Mac has run it yet. There is no advice
 * that keeps a range out of core files, and no cheap way to ask about one's own mappings, so neither is claimed.
 */
export class Darwin implements System {
  readonly pageByteLength: number;
  readonly #calls: DarwinCalls;
  readonly #errors: BackendErrors;
  readonly #limits = new BigUint64Array(2);
  #inheritNone = true;

  constructor(calls: DarwinCalls, errors: BackendErrors) {
    this.#calls = calls;
    this.#errors = errors;
    this.pageByteLength = calls.getpagesize();
  }

  observe(): SystemCapabilities {
    const page = this.pageByteLength;
    const base = this.#reserve(3 * page);
    const span: Span = { address: offsetBy(base, page), byteLength: page };
    try {
      this.protect(span, 'read-write');
      this.#inheritNone = this.#calls.minherit(span.address, page, VM_INHERIT_NONE) === 0;
      this.protect(span, 'read-only');
      this.protect(span, 'no-access');
    } finally {
      this.#calls.munmap(base, 3 * page);
    }
    return {
      locking: 'locked',
      guardPages: true,
      protection: 'no-access',
      dumpExclusion: false,
      forkBehaviour: this.#inheritNone ? 'absent' : 'inherited',
      kernelHidden: false,
    };
  }

  /** The soft limit; where it is infinite, the system's limit on wired memory binds instead. */
  lockLimit(): LockLimit {
    if (this.#calls.getrlimit(RLIMIT_MEMLOCK, this.#limits) !== 0) return { kind: 'unknown' };
    const soft = this.#limits[0] as bigint;
    if (soft < RLIM_INFINITY) return { kind: 'bytes', byteLength: Number(soft) };
    const value = new BigUint64Array(1);
    const size = BigUint64Array.of(8n);
    if (this.#calls.sysctlbyname('vm.user_wire_limit', value, size, null, 0) !== 0) {
      return { kind: 'unknown' };
    }
    return { kind: 'bytes', byteLength: Number(value[0]) };
  }

  raiseLockLimit(byteLength: number): LockLimit {
    const before = this.lockLimit();
    if (before.kind === 'unlimited') return before;
    if (before.kind === 'bytes' && before.byteLength >= byteLength) return before;
    const [soft, hard] = this.#limits as unknown as [bigint, bigint];
    const wanted = BigInt(byteLength);
    if (soft >= wanted || wanted > hard) throw this.#cannotRaise(byteLength, soft, 0);
    this.#limits[0] = wanted;
    if (this.#calls.setrlimit(RLIMIT_MEMLOCK, this.#limits) !== 0) {
      throw this.#cannotRaise(byteLength, soft, this.#calls.errno());
    }
    return this.lockLimit();
  }

  lockedByteLength(): 'unknown' {
    return 'unknown';
  }

  map(byteLength: number): Address {
    const page = this.pageByteLength;
    const base = this.#reserve(byteLength + 2 * page);
    const address = offsetBy(base, page);
    try {
      if (this.#calls.mprotect(address, byteLength, PROT['read-write']) !== 0) {
        throw this.#mapError('map', 'mprotect', byteLength);
      }
      if (this.#calls.mlock(address, byteLength) !== 0) {
        const errno = this.#calls.errno();
        const verdict = explainLockRefusal(this.#refusal('mlock', errno, byteLength), NUMBERS);
        throw this.#error('map', 'mlock', errno, verdict);
      }
      const inherit = this.#inheritNone;
      if (inherit && this.#calls.minherit(address, byteLength, VM_INHERIT_NONE) !== 0) {
        throw this.#mapError('map', 'minherit', byteLength);
      }
      return address;
    } catch (error) {
      this.#calls.munlock(address, byteLength);
      this.#calls.munmap(base, byteLength + 2 * page);
      throw error;
    }
  }

  protect(span: Span, protection: Protection): void {
    if (this.#calls.mprotect(span.address, span.byteLength, PROT[protection]) === 0) return;
    throw this.#mapError('protect', 'mprotect', span.byteLength);
  }

  unmap(span: Span): void {
    const page = this.pageByteLength;
    const base = offsetBy(span.address, -page);
    if (this.#calls.munmap(base, span.byteLength + 2 * page) === 0) return;
    throw this.#mapError('unmap', 'munmap', span.byteLength);
  }

  zero(address: Address, byteLength: number): void {
    this.#calls.memset(address, 0, byteLength);
  }

  copy(to: Place, from: Place, byteLength: number): void {
    this.#calls.memmove(to, from, byteLength);
  }

  inspect(spans: readonly Span[]): (RegionFacts | 'unknown')[] {
    return spans.map(() => 'unknown');
  }

  close(): void {
    // Nothing is kept open.
  }

  #reserve(byteLength: number): Address {
    const base = this.#calls.mmap(null, byteLength, PROT['no-access'], MAP_PRIVATE_ANON, -1, 0);
    if (base !== MAP_FAILED) return base;
    throw this.#mapError('map', 'mmap', byteLength - 2 * this.pageByteLength);
  }

  #refusal(syscall: string, errno: number, requestedByteLength: number): Refusal {
    return {
      syscall,
      errno,
      requestedByteLength,
      pageByteLength: this.pageByteLength,
      lockRemedy: LOCK_REMEDY,
      lockLimit: () => this.lockLimit(),
      lockedByteLength: () => 'unknown',
      mappings: () => 'unknown',
      mappingsMax: () => 'unknown',
    };
  }

  #mapError(operation: string, syscall: string, byteLength: number): Error {
    const errno = this.#calls.errno();
    const limit = syscall === 'mmap' ? 'address-space' : 'memory';
    const verdict = explainMapRefusal(this.#refusal(syscall, errno, byteLength), NUMBERS, limit);
    return this.#error(operation, syscall, errno, verdict);
  }

  #error(operation: string, syscall: string, errno: number, verdict: Verdict): Error {
    const { code, message, details } = verdict;
    return this.#errors.system(code, operation, syscall, errno, message, details);
  }

  #cannotRaise(requestedByteLength: number, soft: bigint, errno: number): Error {
    const message = 'the hard limit or the wired-memory limit of the system does not allow it';
    const code = 'ERR_SECMEM_CANNOT_RAISE';
    return this.#errors.system(code, 'raiseLockLimit', 'setrlimit', errno, message, {
      limit: 'lock',
      requestedByteLength,
      limitByteLength: Number(soft),
      remedy: LOCK_REMEDY,
    });
  }
}
