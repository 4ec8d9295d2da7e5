import type {
  LockLimit,
  Protection,
  RegionFacts,
  SecureMemoryError,
} from '@securemem/core/contract';
import type { Address } from './address.js';
import type { BackendErrors } from './errors.js';
import type { LinuxCalls } from './linux-calls.js';
import { type LinuxPages, PROT, refusedBy, unmapRegion } from './linux-pages.js';
import {
  factsOf,
  hiddenByteLengthOf,
  inFirstUserNamespace,
  isCounted,
  linesOf,
  lockedBytesOf,
  type Mapping,
  mappingsMaxNow,
  mappingsNow,
  mappingsOf,
} from './linux-proc.js';
import { kernelCannotRead } from './linux-secret.js';
import { type LockNumbers, lockLimitOf, raiseLockLimit } from './lock-limit.js';
import { MappingRoom, mappingsShortVerdict } from './mapping-room.js';
import { ProcFile } from './proc-file.js';
import { explain, type Refused, type Surroundings } from './refusal.js';
import { LINUX } from './refusal-rules.js';
import type { Place, Span, System, SystemCapabilities } from './system.js';

const RLIMIT_MEMLOCK = 8;
const SC_PAGESIZE = 30;
const RLIM_INFINITY = 2n ** 64n - 1n;
const CAPABILITY_VERSION_3 = 0x20080522;
const CAP_IPC_LOCK = 14;

/** `/proc/self/status` is about 1.5 kB. */
const STATUS_BYTE_LENGTH_MAX = 8192;

/** Linux. What regions are made of is the business of its pages: anonymous ones, or such that the kernel cannot read. */
export class Linux implements System {
  readonly pageByteLength: number;
  readonly #calls: LinuxCalls;
  readonly #errors: BackendErrors;
  readonly #pages: LinuxPages;
  readonly #limits = new BigUint64Array(2);
  readonly #status = new ProcFile('/proc/self/status', STATUS_BYTE_LENGTH_MAX);
  readonly #room = new MappingRoom(mappingsNow, mappingsMaxNow);
  readonly #around: Surroundings;
  /** Whether the kernel counts hidden pages as locked; undefined for others, and until there was one to ask about. */
  #isCounted: boolean | undefined;

  constructor(
    calls: LinuxCalls,
    errors: BackendErrors,
    Pages: new (calls: LinuxCalls, page: number) => LinuxPages,
  ) {
    this.#calls = calls;
    this.#errors = errors;
    this.pageByteLength = calls.sysconf(SC_PAGESIZE);
    this.#pages = new Pages(calls, this.pageByteLength);
    this.#around = {
      pageByteLength: this.pageByteLength,
      lockLimit: () => this.lockLimit(),
      lockedByteLength: () => this.lockedByteLength(),
      mappings: mappingsNow,
      mappingsMax: mappingsMaxNow,
    };
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
        lockEvidence: this.#isCounted === false ? 'resident' : 'counted',
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
    return lockLimitOf(this.#lockNumbers());
  }

  raiseLockLimit(byteLength: number): LockLimit {
    const port = {
      numbers: () => this.#lockNumbers(),
      set: (wanted: number) => this.#setLockLimit(wanted),
    };
    return raiseLockLimit(port, byteLength, LINUX.raiseRemedy, this.#errors);
  }

  lockedByteLength(): number | 'unknown' {
    const status = this.#status.read();
    const counted = status === undefined ? 'unknown' : lockedBytesOf(status);
    return counted === 'unknown' ? counted : counted + this.#uncountedByteLength();
  }

  map(byteLength: number): Address {
    const short = this.#room.shortage();
    if (short !== undefined) {
      const { code, message, details } = mappingsShortVerdict(byteLength, short);
      throw this.#errors.own(code, 'map', message, details);
    }
    const made = this.#pages.make(byteLength);
    if (typeof made !== 'bigint') throw this.#explain('map', made, byteLength);
    this.#askWhetherCounted({ address: made, byteLength });
    return made;
  }

  protect(span: Span, protection: Protection, operation: string): void {
    if (this.#calls.mprotect(span.address, span.byteLength, PROT[protection]) === 0) return;
    const refused = refusedBy(this.#calls, 'mprotect', 'memory');
    throw this.#explain(operation, refused, span.byteLength);
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
    const mappings = this.#mappings();
    if (mappings === undefined) return spans.map(() => 'unknown');
    return spans.map((span) => factsOf(mappings, span, this.#pages.kernelHidden));
  }

  close(): void {
    this.#status.close();
  }

  #askWhetherCounted(span: Span): void {
    if (!this.#pages.kernelHidden || this.#isCounted !== undefined) return;
    const mappings = this.#mappings();
    if (mappings !== undefined) this.#isCounted = isCounted(mappings, span);
  }

  #uncountedByteLength(): number {
    try {
      return this.#isCounted === false ? hiddenByteLengthOf(linesOf('/proc/self/maps')) : 0;
    } catch {
      return 0;
    }
  }

  #mappings(): Mapping[] | undefined {
    try {
      return mappingsOf(linesOf('/proc/self/smaps'));
    } catch {
      return undefined;
    }
  }

  /** Reads into the same two words each time: it is asked before every admission. */
  #lockNumbers(): LockNumbers {
    const known = this.#calls.getrlimit(RLIMIT_MEMLOCK, this.#limits) === 0;
    const [soft, hard] = this.#limits as unknown as [bigint, bigint];
    return {
      soft: known ? bytesOf(soft) : undefined,
      hard: bytesOf(hard),
      system: Number.POSITIVE_INFINITY,
      // A kernel that does not count hidden pages asks for their limit whatever the privileges (6.1).
      exempt: () =>
        this.#isCounted !== false && this.#hasLockCapability() && inFirstUserNamespace(),
    };
  }

  #setLockLimit(byteLength: number): Refused | undefined {
    this.#limits[0] = BigInt(byteLength);
    if (this.#calls.setrlimit(RLIMIT_MEMLOCK, this.#limits) === 0) return undefined;
    return refusedBy(this.#calls, 'setrlimit', 'lock');
  }

  #hasLockCapability(): boolean {
    const data = new Uint32Array(6);
    const header = Uint32Array.of(CAPABILITY_VERSION_3, 0);
    if (this.#calls.capget(header, data) !== 0) return false;
    return (((data[0] as number) >> CAP_IPC_LOCK) & 1) === 1;
  }

  /** Tries every protection on a page and asks the kernel about it. Throws where the kernel does not show what it granted. */
  #look(address: Address, locked: boolean): RegionFacts | 'unknown' {
    const page = this.pageByteLength;
    const span: Span = { address, byteLength: page };
    this.protect(span, 'read-only', 'open');
    if (this.#pages.kernelHidden && !kernelCannotRead(address)) {
      throw this.#errors.unavailable('the kernel reads pages that it should have no mapping of');
    }
    this.protect(span, 'no-access', 'open');
    const mappings = this.#mappings();
    if (mappings === undefined) return 'unknown';
    if (locked && this.#pages.kernelHidden) this.#isCounted = isCounted(mappings, span);
    const facts = factsOf(mappings, span, this.#pages.kernelHidden);
    if (facts !== 'unknown' && (!facts.guarded || (locked && facts.lockedByteLength !== page))) {
      // A sandbox that answers mlock with success and does nothing, for example.
      const reason = 'the kernel reports success for a guarded, locked page and does not show one';
      throw this.#errors.unavailable(reason);
    }
    return facts;
  }

  #explain(operation: string, refused: Refused, byteLength: number): SecureMemoryError {
    const { syscall, errno } = refused;
    const { code, message, details } = explain(refused, byteLength, LINUX, this.#around);
    return this.#errors.system(code, operation, syscall, errno, message, details);
  }
}

function bytesOf(limit: bigint): number {
  return limit === RLIM_INFINITY ? Number.POSITIVE_INFINITY : Number(limit);
}
