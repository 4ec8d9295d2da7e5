import type { LockLimit, Protection, RegionFacts } from '@securemem/core/contract';
import { type Address, offsetBy } from './address.js';
import type { LinuxCalls } from './linux-calls.js';
import {
  exemptNow,
  factsOf,
  lockedBytesOf,
  lockLimitOf,
  mappingsMaxNow,
  mappingsNow,
  mappingsOf,
  textOf,
} from './linux-proc.js';
import { ProcFile } from './proc-file.js';
import {
  backendError,
  explainLockRefusal,
  explainMapRefusal,
  type Refusal,
  type RefusalNumbers,
  systemError,
  type Verdict,
} from './refusal.js';
import type { Place, Span, System, SystemCapabilities } from './system.js';

const PROT = { 'no-access': 0, 'read-only': 1, 'read-write': 3 } as const;
const MAP_PRIVATE_ANONYMOUS = 0x02 | 0x20;
const MAP_FAILED = 2n ** 64n - 1n;
const MADV_DONTDUMP = 16;
const MADV_WIPEONFORK = 18;
const RLIMIT_MEMLOCK = 8;
const SC_PAGESIZE = 30;

const NUMBERS: RefusalNumbers = {
  noMemory: [12], // ENOMEM
  tryAgain: 11, // EAGAIN: madvise at the mapping limit, mlock where no page could be brought in
  lockLimit: [],
  forbidden: [1, 13, 38], // EPERM, EACCES, ENOSYS: what sandboxes answer
};

/** `/proc/self/status` is about 1.5 kB. */
const STATUS_BYTE_LENGTH_MAX = 8192;

const LOCK_REMEDY =
  'raise RLIMIT_MEMLOCK: ulimit -l, LimitMEMLOCK= in a systemd unit, --ulimit memlock= for a container';

/**
 * Linux: one anonymous mapping for each region, between two pages without access.
 *
 * The order in `map` matters. The whole is reserved without access, the middle opened, and locked before anything else can
 * close it again: a lock of a page without access fails with ENOMEM and is charged all the same. The reservation is not
 * MAP_NORESERVE, so that the kernel refuses what it could never hold instead of killing a process when mlock brings it in.
 */
export class Linux implements System {
  readonly pageByteLength: number;
  readonly #calls: LinuxCalls;
  readonly #limits = new BigUint64Array(2);
  readonly #status = new ProcFile('/proc/self/status', STATUS_BYTE_LENGTH_MAX);
  #exempt: boolean;
  /** The advice that `map` must deliver: all of it, until `observe` has found what this kernel knows. */
  #advice: readonly number[] = [MADV_DONTDUMP, MADV_WIPEONFORK];

  constructor(calls: LinuxCalls) {
    this.#calls = calls;
    this.pageByteLength = calls.sysconf(SC_PAGESIZE);
    this.#exempt = exemptNow();
  }

  observe(): SystemCapabilities {
    const page = this.pageByteLength;
    const base = this.#reserve(3 * page);
    const span: Span = { address: offsetBy(base, page), byteLength: page };
    try {
      this.protect(span, 'read-write');
      const advised = [MADV_DONTDUMP, MADV_WIPEONFORK].filter(
        (advice) => this.#calls.madvise(span.address, page, advice) === 0,
      );
      const locked = this.#tryLock(span);
      this.protect(span, 'read-only');
      this.protect(span, 'no-access');
      const facts = this.inspect([span])[0] ?? 'unknown';
      if (facts !== 'unknown' && (!facts.guarded || (locked && facts.lockedByteLength !== page))) {
        // A sandbox that answers mlock with success and does nothing, for example.
        throw backendError(
          'ERR_SECMEM_BACKEND_UNAVAILABLE',
          'open',
          'the kernel reports success for a guarded, locked page and does not show one',
        );
      }
      this.#advice = advised;
      return {
        locking: 'locked',
        guardPages: true,
        protection: 'no-access',
        dumpExclusion: advised.includes(MADV_DONTDUMP),
        forkBehaviour: advised.includes(MADV_WIPEONFORK) ? 'zeroed' : 'inherited',
      };
    } finally {
      this.#calls.munmap(base, 3 * page);
    }
  }

  lockLimit(): LockLimit {
    this.#readLimits();
    return lockLimitOf(this.#limits[0] as bigint, this.#exempt);
  }

  raiseLockLimit(byteLength: number): LockLimit {
    this.#exempt = exemptNow();
    const before = this.lockLimit();
    if (before.kind !== 'bytes' || before.byteLength >= byteLength) return before;
    const [soft, hard] = this.#limits as unknown as [bigint, bigint];
    // Only the soft limit, and never beyond the hard one, also where a privilege would permit it: the hard limit is an
    // administrator's word.
    const wanted = BigInt(byteLength);
    if (wanted > hard) throw this.#cannotRaise(byteLength, soft, hard, 0);
    this.#limits[0] = wanted;
    if (this.#calls.setrlimit(RLIMIT_MEMLOCK, this.#limits) !== 0) {
      throw this.#cannotRaise(byteLength, soft, hard, this.#calls.errno());
    }
    return this.lockLimit();
  }

  lockedByteLength(): number | 'unknown' {
    const status = this.#status.read();
    return status === undefined ? 'unknown' : lockedBytesOf(status);
  }

  map(byteLength: number): Address {
    const page = this.pageByteLength;
    const base = this.#reserve(byteLength + 2 * page);
    const address = offsetBy(base, page);
    try {
      if (this.#calls.mprotect(address, byteLength, PROT['read-write']) !== 0) {
        throw this.#mapError('mprotect', byteLength, 'memory');
      }
      this.#lock(address, byteLength);
      for (const advice of this.#advice) {
        if (this.#calls.madvise(address, byteLength, advice) !== 0) {
          throw this.#mapError('madvise', byteLength, 'memory');
        }
      }
      return address;
    } catch (error) {
      // The munlock first: a lock that failed half-way is charged until then, even should the munmap fail as well.
      this.#calls.munlock(address, byteLength);
      this.#calls.munmap(base, byteLength + 2 * page);
      throw error;
    }
  }

  protect(span: Span, protection: Protection): void {
    if (this.#calls.mprotect(span.address, span.byteLength, PROT[protection]) === 0) return;
    const errno = this.#calls.errno();
    const verdict = explainMapRefusal(
      this.#refusal('mprotect', errno, span.byteLength),
      NUMBERS,
      'memory',
    );
    throw this.#error('protect', 'mprotect', errno, verdict);
  }

  unmap(span: Span): void {
    const page = this.pageByteLength;
    if (this.#calls.munmap(offsetBy(span.address, -page), span.byteLength + 2 * page) === 0) return;
    const errno = this.#calls.errno();
    const verdict = explainMapRefusal(
      this.#refusal('munmap', errno, span.byteLength),
      NUMBERS,
      'memory',
    );
    throw this.#error('unmap', 'munmap', errno, verdict);
  }

  zero(address: Address, byteLength: number): void {
    this.#calls.memset(address, 0, byteLength); // A call through a pointer: no compiler sees it and removes it.
  }

  copy(to: Place, from: Place, byteLength: number): void {
    this.#calls.memmove(to, from, byteLength);
  }

  inspect(spans: readonly Span[]): (RegionFacts | 'unknown')[] {
    if (spans.length === 0) return [];
    const smaps = textOf('/proc/self/smaps');
    if (smaps === undefined) return spans.map(() => 'unknown');
    const mappings = mappingsOf(smaps);
    return spans.map((span) => factsOf(mappings, span));
  }

  close(): void {
    this.#status.close();
  }

  /** Reads into the same two words each time: it is asked before every admission. */
  #readLimits(): void {
    if (this.#calls.getrlimit(RLIMIT_MEMLOCK, this.#limits) === 0) return;
    throw systemError(
      'ERR_SECMEM_PLATFORM',
      'lockLimit',
      'getrlimit',
      this.#calls.errno(),
      'the lock limit cannot be read',
    );
  }

  #reserve(byteLength: number): Address {
    const base = this.#calls.mmap(
      null,
      byteLength,
      PROT['no-access'],
      MAP_PRIVATE_ANONYMOUS,
      -1,
      0,
    );
    if (base === MAP_FAILED)
      throw this.#mapError('mmap', byteLength - 2 * this.pageByteLength, 'address-space');
    return base;
  }

  #lock(address: Address, byteLength: number): void {
    if (this.#calls.mlock(address, byteLength) === 0) return;
    const errno = this.#calls.errno();
    this.#exempt = exemptNow(); // The privilege may have been dropped since the last look.
    const verdict = explainLockRefusal(this.#refusal('mlock', errno, byteLength), NUMBERS);
    throw this.#error('map', 'mlock', errno, verdict);
  }

  /** Locks a probe page where there is room. A refusal for want of room proves nothing; a forbidden call does. */
  #tryLock(span: Span): boolean {
    try {
      this.#lock(span.address, span.byteLength);
      return true;
    } catch (error) {
      this.#calls.munlock(span.address, span.byteLength);
      if ((error as { kind?: string }).kind === 'capacity') return false;
      throw error;
    }
  }

  #refusal(syscall: string, errno: number, requestedByteLength: number): Refusal {
    return {
      syscall,
      errno,
      requestedByteLength,
      pageByteLength: this.pageByteLength,
      lockRemedy: LOCK_REMEDY,
      lockLimit: () => this.lockLimit(),
      lockedByteLength: () => this.lockedByteLength(),
      mappings: mappingsNow,
      mappingsMax: mappingsMaxNow,
    };
  }

  #mapError(syscall: string, byteLength: number, limit: 'memory' | 'address-space'): Error {
    const errno = this.#calls.errno();
    const verdict = explainMapRefusal(this.#refusal(syscall, errno, byteLength), NUMBERS, limit);
    return this.#error('map', syscall, errno, verdict);
  }

  #error(operation: string, syscall: string, errno: number, verdict: Verdict): Error {
    return systemError(verdict.code, operation, syscall, errno, verdict.message, verdict.details);
  }

  #cannotRaise(requested: number, soft: bigint, hard: bigint, errno: number): Error {
    return systemError(
      'ERR_SECMEM_CANNOT_RAISE',
      'raiseLockLimit',
      'setrlimit',
      errno,
      'the hard limit of this process does not allow it',
      {
        limit: 'lock',
        requestedByteLength: requested,
        limitByteLength: Number(soft),
        hardLimitByteLength: Number(hard),
        remedy:
          'raise the hard limit: LimitMEMLOCK= in a systemd unit, --ulimit memlock= for a container',
      },
    );
  }
}
