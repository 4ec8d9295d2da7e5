import type {
  LockLimit,
  Protection,
  RegionFacts,
  SecureMemoryError,
} from '@securemem/core/contract';
import type { Address } from './address.js';
import type { BackendErrors } from './errors.js';
import type { LinuxCalls } from './linux-calls.js';
import { type LinuxPages, PROT, type Refused, refusedBy, unmapRegion } from './linux-pages.js';
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
import { kernelCannotRead } from './linux-secret.js';
import { MappingRoom, mappingsShortVerdict } from './mapping-room.js';
import { ProcFile } from './proc-file.js';
import {
  descriptorVerdict,
  explainLockRefusal,
  explainMapRefusal,
  type Refusal,
  type RefusalNumbers,
  type Verdict,
} from './refusal.js';
import type { Place, Span, System, SystemCapabilities } from './system.js';

const RLIMIT_MEMLOCK = 8;
const SC_PAGESIZE = 30;
const EAGAIN = 11;

const NUMBERS: RefusalNumbers = {
  noMemory: [12], // ENOMEM
  tryAgain: EAGAIN, // madvise at the mapping limit, mlock where no page could be brought in
  lockLimit: [],
  forbidden: [1, 13, 38], // EPERM, EACCES, ENOSYS: what sandboxes answer
};

/** For pages of memfd_secret, whose mapping is refused with EAGAIN by the lock limit and by nothing else. */
const HIDDEN_NUMBERS: RefusalNumbers = { ...NUMBERS, tryAgain: -1, lockLimit: [EAGAIN] };

/** `/proc/self/status` is about 1.5 kB. */
const STATUS_BYTE_LENGTH_MAX = 8192;

const LOCK_REMEDY =
  'raise RLIMIT_MEMLOCK: ulimit -l, LimitMEMLOCK= in a systemd unit, --ulimit memlock= for a container';

/** Linux. What regions are made of is the business of its pages: anonymous ones, or such that the kernel cannot read. */
export class Linux implements System {
  readonly pageByteLength: number;
  readonly #calls: LinuxCalls;
  readonly #errors: BackendErrors;
  readonly #pages: LinuxPages;
  readonly #limits = new BigUint64Array(2);
  readonly #status = new ProcFile('/proc/self/status', STATUS_BYTE_LENGTH_MAX);
  readonly #room = new MappingRoom(mappingsNow, mappingsMaxNow);
  #exempt: boolean;

  constructor(
    calls: LinuxCalls,
    errors: BackendErrors,
    Pages: new (calls: LinuxCalls, page: number) => LinuxPages,
  ) {
    this.#calls = calls;
    this.#errors = errors;
    this.pageByteLength = calls.sysconf(SC_PAGESIZE);
    this.#pages = new Pages(calls, this.pageByteLength);
    this.#exempt = exemptNow();
  }

  observe(): SystemCapabilities {
    const page = this.pageByteLength;
    const trial = this.#pages.makeTrial();
    if ('syscall' in trial) throw this.#explain('open', trial, page);
    const { address, lockRefused } = trial;
    try {
      if (lockRefused !== undefined) {
        // A refusal for want of room proves nothing; a forbidden call does.
        const error = this.#explain('open', lockRefused, page);
        if (error.kind !== 'capacity') throw error;
      }
      const facts =
        address === undefined ? 'unknown' : this.#look(address, lockRefused === undefined);
      // Advice that reports success and does nothing, as under user-mode emulation, is no capability either.
      const shown = facts === 'unknown' ? undefined : facts;
      return {
        locking: 'locked',
        guardPages: true,
        protection: 'no-access',
        dumpExclusion: shown?.dumpExcluded ?? trial.dumpExclusion,
        forkBehaviour: shown?.forkBehaviour ?? trial.forkBehaviour,
        kernelHidden: this.#pages.kernelHidden,
      };
    } finally {
      if (address !== undefined) unmapRegion(this.#calls, address, page, page);
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
    if (short !== undefined) {
      const { code, message, details } = mappingsShortVerdict(byteLength, short);
      throw this.#errors.own(code, 'map', message, details);
    }
    const made = this.#pages.make(byteLength);
    if (typeof made === 'bigint') return made;
    throw this.#explain('map', made, byteLength);
  }

  protect(span: Span, protection: Protection): void {
    if (this.#calls.mprotect(span.address, span.byteLength, PROT[protection]) === 0) return;
    const refused = refusedBy(this.#calls, 'mprotect', 'memory');
    throw this.#explain('protect', refused, span.byteLength);
  }

  unmap(span: Span): void {
    const { address, byteLength } = span;
    const refused = unmapRegion(this.#calls, address, byteLength, this.pageByteLength);
    if (refused !== undefined) throw this.#explain('unmap', refused, byteLength);
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
    return spans.map((span) => factsOf(mappings, span, this.#pages.kernelHidden));
  }

  close(): void {
    this.#status.close();
  }

  /** Reads into the same two words each time: it is asked before every admission. */
  #readLimits(): void {
    if (this.#calls.getrlimit(RLIMIT_MEMLOCK, this.#limits) === 0) return;
    const message = 'the lock limit cannot be read';
    const errno = this.#calls.errno();
    throw this.#errors.system('ERR_SECMEM_PLATFORM', 'lockLimit', 'getrlimit', errno, message);
  }

  /** Tries every protection on a page and asks the kernel about it. Throws where the kernel does not show what it granted. */
  #look(address: Address, locked: boolean): RegionFacts | 'unknown' {
    const page = this.pageByteLength;
    const span: Span = { address, byteLength: page };
    this.protect(span, 'read-only');
    if (this.#pages.kernelHidden && !kernelCannotRead(address)) {
      throw this.#errors.unavailable('the kernel reads pages that it should have no mapping of');
    }
    this.protect(span, 'no-access');
    const facts = this.inspect([span])[0] ?? 'unknown';
    if (facts !== 'unknown' && (!facts.guarded || (locked && facts.lockedByteLength !== page))) {
      // A sandbox that answers mlock with success and does nothing, for example.
      const reason = 'the kernel reports success for a guarded, locked page and does not show one';
      throw this.#errors.unavailable(reason);
    }
    return facts;
  }

  #explain(operation: string, refused: Refused, byteLength: number): SecureMemoryError {
    const { syscall, errno } = refused;
    const { code, message, details } = this.#verdict(refused, byteLength);
    return this.#errors.system(code, operation, syscall, errno, message, details);
  }

  #verdict({ syscall, errno, asksFor }: Refused, byteLength: number): Verdict {
    if (asksFor === 'descriptor') return descriptorVerdict(byteLength);
    const refusal = this.#refusal(syscall, errno, byteLength);
    if (asksFor !== 'lock') return explainMapRefusal(refusal, NUMBERS, asksFor);
    this.#exempt = exemptNow(); // The privilege may have been dropped since the last look.
    const numbers = this.#pages.kernelHidden ? HIDDEN_NUMBERS : NUMBERS;
    return explainLockRefusal(refusal, numbers);
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
    return this.#errors.system(
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
