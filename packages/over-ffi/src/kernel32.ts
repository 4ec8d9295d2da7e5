import type { LockLimit, Protection, RegionFacts } from '@securemem/core/contract';
import { type Address, offsetBy } from './address.js';
import type { BackendErrors } from './errors.js';
import type { Kernel32Calls } from './kernel32-calls.js';
import { type LockNumbers, lockLimitOf, raiseLockLimit, workingSetFor } from './lock-limit.js';
import { type Asked, explain, type Refused, type Surroundings } from './refusal.js';
import { WINDOWS } from './refusal-rules.js';
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
 * Windows. Committed pages between two reserved ones, which fault on a touch. A page without access silently loses its lock,
 * so the strongest protection is `read-only`. Children never inherit memory there. Tested against a stand-in and loaded
 * under Wine; not verified on Windows.
 */
export class Kernel32 implements System {
  readonly pageByteLength: number;
  readonly #calls: Kernel32Calls;
  readonly #errors: BackendErrors;
  readonly #around: Surroundings;
  readonly #before = new Uint32Array(1);
  /** Whether the working set shows our locks: Wine's does not, and then nobody can be asked. */
  #showsLocks = false;

  constructor(calls: Kernel32Calls, errors: BackendErrors) {
    this.#calls = calls;
    this.#errors = errors;
    const information = new Uint32Array(12);
    calls.GetSystemInfo(information);
    this.pageByteLength = information[1] as number;
    this.#around = {
      pageByteLength: this.pageByteLength,
      lockLimit: () => this.lockLimit(),
      lockedByteLength: () => 'unknown',
      mappings: () => 'unknown',
      mappingsMax: () => 'unknown',
    };
  }

  observe(): SystemCapabilities {
    const page = this.pageByteLength;
    let span: Span | undefined;
    try {
      span = { address: this.map(page), byteLength: page };
      this.#showsLocks = this.#lockedBytes(span) === page;
      this.protect(span, 'read-only', 'open');
      this.protect(span, 'read-write', 'open');
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
    return lockLimitOf(this.#lockNumbers());
  }

  raiseLockLimit(byteLength: number): LockLimit {
    const port = {
      numbers: () => this.#lockNumbers(),
      set: (wanted: number) => this.#setLockLimit(wanted),
    };
    return raiseLockLimit(port, byteLength, WINDOWS.raiseRemedy, this.#errors);
  }

  /** Windows counts working sets, not locks. */
  lockedByteLength(): 'unknown' {
    return 'unknown';
  }

  map(byteLength: number): Address {
    const page = this.pageByteLength;
    const base = this.#calls.VirtualAlloc(null, byteLength + 2 * page, MEM_RESERVE, PAGE_NOACCESS);
    if (base === null) {
      throw this.#explain('map', this.#refusedBy('VirtualAlloc', 'address-space'), byteLength);
    }
    const address = offsetBy(base, page);
    const refused = this.#prepare(address, byteLength);
    if (refused === undefined) return address;
    this.#calls.VirtualFree(base, 0, MEM_RELEASE);
    throw this.#explain('map', refused, byteLength);
  }

  protect(span: Span, protection: Protection, operation: string): void {
    const flag = protection === 'read-write' ? PAGE_READWRITE : PAGE_READONLY;
    const { address, byteLength } = span;
    if (this.#calls.VirtualProtect(address, byteLength, flag, this.#before) !== 0) return;
    throw this.#explain(operation, this.#refusedBy('VirtualProtect', 'memory'), byteLength);
  }

  unmap(span: Span): void {
    this.#calls.VirtualUnlock(span.address, span.byteLength);
    const base = offsetBy(span.address, -this.pageByteLength);
    if (this.#calls.VirtualFree(base, 0, MEM_RELEASE) !== 0) return;
    throw this.#explain('unmap', this.#refusedBy('VirtualFree', 'memory'), span.byteLength);
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

  #lockNumbers(): LockNumbers {
    const sizes = this.#workingSet();
    const infinity = Number.POSITIVE_INFINITY;
    return { soft: sizes?.minimum, hard: infinity, system: infinity, exempt: () => false };
  }

  #setLockLimit(byteLength: number): Refused | undefined {
    const sizes = this.#workingSet();
    if (sizes === undefined) return this.#refusedBy('GetProcessWorkingSetSize', 'lock');
    const { minimum, maximum } = workingSetFor(byteLength, this.pageByteLength, sizes);
    if (this.#calls.SetProcessWorkingSetSize(THIS_PROCESS, minimum, maximum) !== 0)
      return undefined;
    return this.#refusedBy('SetProcessWorkingSetSize', 'lock');
  }

  /** Commits and locks reserved address space. */
  #prepare(address: Address, byteLength: number): Refused | undefined {
    if (this.#calls.VirtualAlloc(address, byteLength, MEM_COMMIT, PAGE_READWRITE) === null) {
      return this.#refusedBy('VirtualAlloc', 'memory');
    }
    if (this.#calls.VirtualLock(address, byteLength) !== 0) return undefined;
    return this.#refusedBy('VirtualLock', 'lock');
  }

  #refusedBy(syscall: string, asksFor: Asked): Refused {
    return { syscall, errno: this.#calls.GetLastError(), asksFor };
  }

  #explain(operation: string, refused: Refused, byteLength: number): Error {
    const { code, message, details } = explain(refused, byteLength, WINDOWS, this.#around);
    const { syscall, errno } = refused;
    return this.#errors.system(code, operation, syscall, errno, message, details);
  }
}
