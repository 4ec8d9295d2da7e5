import type { LockLimit, Protection, RegionFacts } from '@securemem/core/contract';
import { type Address, offsetBy } from './address.js';
import type { BackendErrors } from './errors.js';
import type { Kernel32Calls } from './kernel32-calls.js';
import {
  explainLockRefusal,
  explainMapRefusal,
  type Refusal,
  type RefusalNumbers,
} from './refusal.js';
import type { Place, Span, System, SystemCapabilities } from './system.js';

/** The pseudo-handle that GetCurrentProcess returns. */
const THIS_PROCESS = -1;

const MEM_COMMIT = 0x1000;
const MEM_RESERVE = 0x2000;
const MEM_RELEASE = 0x8000;
const PAGE_NOACCESS = 0x01;
const PAGE_READONLY = 0x02;
const PAGE_READWRITE = 0x04;

/** MEMORY_BASIC_INFORMATION of 64-bit Windows: 48 bytes, State at 32, Protect at 36. */
const QUERY_BYTE_LENGTH = 48;
const QUERY_STATE = 32 / 4;
const QUERY_PROTECT = 36 / 4;

/** PSAPI_WORKING_SET_EX_BLOCK: bit 0 says that the page is present, bit 22 that it is locked. */
const VALID = 1n;
const LOCKED = 1n << 22n;

/**
 * What Windows keeps back: a process locks at most its minimum working set "minus a small overhead" that the manual does
 * not give. Eight pages on top of what was asked for have been enough elsewhere.
 */
const OVERHEAD_PAGES = 8;

const NUMBERS: RefusalNumbers = {
  // ERROR_NOT_ENOUGH_MEMORY, ERROR_INVALID_PARAMETER for more than the address space, ERROR_COMMITMENT_LIMIT.
  noMemory: [8, 87, 1455],
  tryAgain: -1,
  // ERROR_WORKING_SET_QUOTA; under Wine it is ERROR_ACCESS_DENIED, which VirtualLock gives for nothing else on our pages.
  lockLimit: [1453, 5],
  forbidden: [],
};

/** The same, for calls that are not VirtualLock, where 5 means what it says. */
const MAP_NUMBERS: RefusalNumbers = { ...NUMBERS, lockLimit: [], forbidden: [5] };

const LOCK_REMEDY =
  'raise the minimum working set: raiseLockLimit does it within the quota of the user';

/**
 * Windows. Committed pages between two reserved ones, which fault on a touch. A page without access silently loses its lock,
 * so the strongest protection is `read-only`. Children never inherit memory there. Tested against a stand-in and loaded
 * under Wine; not verified on Windows.
 */
export class Kernel32 implements System {
  readonly pageByteLength: number;
  readonly #calls: Kernel32Calls;
  readonly #errors: BackendErrors;
  readonly #before = new Uint32Array(1);
  /** Whether the working set shows our locks: Wine's does not, and then nobody can be asked. */
  #showsLocks = false;

  constructor(calls: Kernel32Calls, errors: BackendErrors) {
    this.#calls = calls;
    this.#errors = errors;
    const information = new Uint32Array(12);
    calls.GetSystemInfo(information);
    this.pageByteLength = information[1] as number;
  }

  observe(): SystemCapabilities {
    const page = this.pageByteLength;
    let span: Span | undefined;
    try {
      span = { address: this.map(page), byteLength: page };
      this.#showsLocks = this.#lockedBytes(span) === page;
      this.protect(span, 'read-only');
      this.protect(span, 'read-write');
    } catch (error) {
      if ((error as { kind?: string }).kind !== 'capacity') throw error;
    } finally {
      if (span !== undefined) this.unmap(span);
    }
    return {
      locking: 'locked',
      guardPages: true,
      protection: 'read-only',
      dumpExclusion: false,
      forkBehaviour: 'absent',
      kernelHidden: false,
    };
  }

  lockLimit(): LockLimit {
    const sizes = this.#workingSet();
    return sizes === undefined ? { kind: 'unknown' } : { kind: 'bytes', byteLength: sizes.minimum };
  }

  raiseLockLimit(byteLength: number): LockLimit {
    const sizes = this.#workingSet();
    if (sizes === undefined) throw this.#cannotRaise(byteLength, this.#calls.GetLastError());
    if (sizes.minimum >= byteLength) return { kind: 'bytes', byteLength: sizes.minimum };
    const minimum = byteLength + OVERHEAD_PAGES * this.pageByteLength;
    const maximum = Math.max(sizes.maximum, minimum + (sizes.maximum - sizes.minimum));
    const set = this.#calls.SetProcessWorkingSetSize(THIS_PROCESS, minimum, maximum);
    const errno = set === 0 ? this.#calls.GetLastError() : 0;
    const now = this.lockLimit();
    // Asked again, since Wine reports success and changes nothing.
    if (set === 0 || now.kind !== 'bytes' || now.byteLength < byteLength) {
      throw this.#cannotRaise(byteLength, errno, sizes.minimum);
    }
    return now;
  }

  /** Windows counts working sets, not locks. */
  lockedByteLength(): 'unknown' {
    return 'unknown';
  }

  map(byteLength: number): Address {
    const page = this.pageByteLength;
    const base = this.#calls.VirtualAlloc(null, byteLength + 2 * page, MEM_RESERVE, PAGE_NOACCESS);
    if (base === null) throw this.#error('map', 'VirtualAlloc', byteLength, 'address-space');
    const address = offsetBy(base, page);
    try {
      if (this.#calls.VirtualAlloc(address, byteLength, MEM_COMMIT, PAGE_READWRITE) === null) {
        throw this.#error('map', 'VirtualAlloc', byteLength, 'memory');
      }
      if (this.#calls.VirtualLock(address, byteLength) === 0) throw this.#lockError(byteLength);
      return address;
    } catch (error) {
      this.#calls.VirtualFree(base, 0, MEM_RELEASE);
      throw error;
    }
  }

  protect(span: Span, protection: Protection): void {
    const flag = protection === 'read-write' ? PAGE_READWRITE : PAGE_READONLY;
    const { address, byteLength } = span;
    if (this.#calls.VirtualProtect(address, byteLength, flag, this.#before) !== 0) return;
    throw this.#error('protect', 'VirtualProtect', byteLength, 'memory');
  }

  unmap(span: Span): void {
    this.#calls.VirtualUnlock(span.address, span.byteLength);
    const base = offsetBy(span.address, -this.pageByteLength);
    if (this.#calls.VirtualFree(base, 0, MEM_RELEASE) !== 0) return;
    throw this.#error('unmap', 'VirtualFree', span.byteLength, 'memory');
  }

  zero(address: Address, byteLength: number): void {
    this.#calls.RtlFillMemory(address, byteLength, 0);
  }

  copy(to: Place, from: Place, byteLength: number): void {
    this.#calls.RtlMoveMemory(to, from, byteLength);
  }

  inspect(spans: readonly Span[]): (RegionFacts | 'unknown')[] {
    return spans.map((span) => (this.#showsLocks ? this.#factsOf(span) : 'unknown'));
  }

  close(): void {
    // Nothing is kept open: the handle of the own process is not a real one.
  }

  #factsOf(span: Span): RegionFacts | 'unknown' {
    const page = this.#queryAt(span.address);
    const before = this.#queryAt(offsetBy(span.address, -1));
    const after = this.#queryAt(offsetBy(span.address, span.byteLength));
    const locked = this.#lockedBytes(span);
    if (page === undefined || before === undefined || after === undefined) return 'unknown';
    const writable = page.protect === PAGE_READWRITE;
    if (locked === undefined || (!writable && page.protect !== PAGE_READONLY)) return 'unknown';
    return {
      lockedByteLength: locked,
      protection: writable ? 'read-write' : 'read-only',
      guarded: before.state === MEM_RESERVE && after.state === MEM_RESERVE,
      dumpExcluded: false,
      forkBehaviour: 'absent',
    };
  }

  #queryAt(address: Address): { state: number; protect: number } | undefined {
    const words = new Uint32Array(QUERY_BYTE_LENGTH / 4);
    if (this.#calls.VirtualQuery(address, words, QUERY_BYTE_LENGTH) === 0) return undefined;
    return { state: words[QUERY_STATE] as number, protect: words[QUERY_PROTECT] as number };
  }

  #lockedBytes(span: Span): number | undefined {
    const pages = span.byteLength / this.pageByteLength;
    const entries = new BigUint64Array(2 * pages);
    for (let page = 0; page < pages; page += 1) {
      entries[2 * page] = offsetBy(span.address, page * this.pageByteLength);
    }
    const asked = this.#calls.K32QueryWorkingSetEx(THIS_PROCESS, entries, entries.byteLength);
    if (asked === 0) return undefined;
    let locked = 0;
    for (let page = 0; page < pages; page += 1) {
      const attributes = entries[2 * page + 1] as bigint;
      if ((attributes & VALID) !== 0n && (attributes & LOCKED) !== 0n) locked += 1;
    }
    return locked * this.pageByteLength;
  }

  #workingSet(): { minimum: number; maximum: number } | undefined {
    const minimum = new BigUint64Array(1);
    const maximum = new BigUint64Array(1);
    const asked = this.#calls.GetProcessWorkingSetSize(THIS_PROCESS, minimum, maximum);
    if (asked === 0) return undefined;
    return { minimum: Number(minimum[0]), maximum: Number(maximum[0]) };
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

  #lockError(byteLength: number): Error {
    const errno = this.#calls.GetLastError();
    const refusal = this.#refusal('VirtualLock', errno, byteLength);
    const { code, message, details } = explainLockRefusal(refusal, NUMBERS);
    return this.#errors.system(code, 'map', 'VirtualLock', errno, message, details);
  }

  #error(
    operation: string,
    syscall: string,
    byteLength: number,
    limit: 'memory' | 'address-space',
  ): Error {
    const errno = this.#calls.GetLastError();
    const refusal = this.#refusal(syscall, errno, byteLength);
    const { code, message, details } = explainMapRefusal(refusal, MAP_NUMBERS, limit);
    return this.#errors.system(code, operation, syscall, errno, message, details);
  }

  #cannotRaise(requestedByteLength: number, errno: number, limitByteLength?: number): Error {
    const message = 'the system did not enlarge the working set';
    return this.#errors.system(
      'ERR_SECMEM_CANNOT_RAISE',
      'raiseLockLimit',
      'SetProcessWorkingSetSize',
      errno,
      message,
      {
        limit: 'lock',
        requestedByteLength,
        ...(limitByteLength === undefined ? {} : { limitByteLength }),
        remedy: 'grant the user SeIncreaseWorkingSetPrivilege, or ask for less',
      },
    );
  }
}
