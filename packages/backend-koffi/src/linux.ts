import type {
  LockLimit,
  Protection,
  RegionFacts,
  SecureMemoryError,
} from '@securemem/core/contract';
import { type Address, offsetBy } from './address.js';
import type { LinuxCalls } from './linux-calls.js';
import {
  exemptNow,
  factsOf,
  linesOf,
  lockedBytesOf,
  lockLimitOf,
  type Mapping,
  mappingsMaxNow,
  mappingsNow,
  mappingsOf,
} from './linux-proc.js';
import { MappingRoom, mappingsShortError } from './mapping-room.js';
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

interface Refused {
  readonly syscall: string;
  readonly errno: number;
}

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
  readonly #room = new MappingRoom(mappingsNow, mappingsMaxNow);
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
      // Advice that reports success and does nothing, as under user-mode emulation, is no capability either.
      const shown = facts === 'unknown' ? undefined : facts;
      const zeroed = advised.includes(MADV_WIPEONFORK) ? 'zeroed' : 'inherited';
      return {
        locking: 'locked',
        guardPages: true,
        protection: 'no-access',
        dumpExclusion: shown?.dumpExcluded ?? advised.includes(MADV_DONTDUMP),
        forkBehaviour: shown?.forkBehaviour ?? zeroed,
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
    const short = this.#room.shortage();
    if (short !== undefined) throw mappingsShortError(byteLength, short);
    const page = this.pageByteLength;
    const base = this.#reserve(byteLength + 2 * page);
    const address = offsetBy(base, page);
    const refused = this.#prepare(address, byteLength);
    if (refused === undefined) return address;
    // The munlock first: a lock that failed half-way is charged until then, even should the munmap fail as well. The cause
    // is looked for afterwards, since at the mapping limit the engine needs the room to build an error.
    this.#calls.munlock(address, byteLength);
    this.#calls.munmap(base, byteLength + 2 * page);
    throw this.#explain('map', refused, byteLength);
  }

  protect(span: Span, protection: Protection): void {
    if (this.#calls.mprotect(span.address, span.byteLength, PROT[protection]) === 0) return;
    throw this.#explain('protect', this.#refused('mprotect'), span.byteLength);
  }

  unmap(span: Span): void {
    const page = this.pageByteLength;
    const base = offsetBy(span.address, -page);
    if (this.#calls.munmap(base, span.byteLength + 2 * page) === 0) return;
    throw this.#explain('unmap', this.#refused('munmap'), span.byteLength);
  }

  zero(address: Address, byteLength: number): void {
    this.#calls.memset(address, 0, byteLength); // A call through a pointer: no compiler sees it and removes it.
  }

  copy(to: Place, from: Place, byteLength: number): void {
    this.#calls.memmove(to, from, byteLength);
  }

  inspect(spans: readonly Span[]): (RegionFacts | 'unknown')[] {
    if (spans.length === 0) return [];
    let mappings: Mapping[];
    try {
      mappings = mappingsOf(linesOf('/proc/self/smaps'));
    } catch {
      return spans.map(() => 'unknown');
    }
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
    if (base !== MAP_FAILED) return base;
    throw this.#explain('map', this.#refused('mmap'), byteLength - 2 * this.pageByteLength);
  }

  /** Makes a region of reserved address space. What it says was refused is for the caller to undo. */
  #prepare(address: Address, byteLength: number): Refused | undefined {
    const calls = this.#calls;
    if (calls.mprotect(address, byteLength, PROT['read-write']) !== 0) {
      return this.#refused('mprotect');
    }
    if (calls.mlock(address, byteLength) !== 0) return this.#refused('mlock');
    for (const advice of this.#advice) {
      if (calls.madvise(address, byteLength, advice) !== 0) return this.#refused('madvise');
    }
    return undefined;
  }

  /** Locks a probe page where there is room. A refusal for want of room proves nothing; a forbidden call does. */
  #tryLock(span: Span): boolean {
    if (this.#calls.mlock(span.address, span.byteLength) === 0) return true;
    const refused = this.#refused('mlock');
    this.#calls.munlock(span.address, span.byteLength);
    const error = this.#explain('open', refused, span.byteLength);
    if (error.kind === 'capacity') return false;
    throw error;
  }

  /** The call that just failed. Reads errno, so nothing may come between. */
  #refused(syscall: string): Refused {
    return { syscall, errno: this.#calls.errno() };
  }

  #explain(operation: string, refused: Refused, byteLength: number): SecureMemoryError {
    const { syscall, errno } = refused;
    const refusal = this.#refusal(syscall, errno, byteLength);
    let verdict: Verdict;
    if (syscall === 'mlock') {
      this.#exempt = exemptNow(); // The privilege may have been dropped since the last look.
      verdict = explainLockRefusal(refusal, NUMBERS);
    } else {
      const limit = syscall === 'mmap' ? 'address-space' : 'memory';
      verdict = explainMapRefusal(refusal, NUMBERS, limit);
    }
    return systemError(verdict.code, operation, syscall, errno, verdict.message, verdict.details);
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
