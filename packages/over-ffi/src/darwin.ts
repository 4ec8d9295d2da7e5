import type { LockLimit, Protection, RegionFacts } from '@securemem/core/contract';
import { type Address, offsetBy } from './address.js';
import type { DarwinCalls } from './darwin-calls.js';
import type { BackendErrors } from './errors.js';
import { type LockNumbers, lockLimitOf, raiseLockLimit } from './lock-limit.js';
import { type Asked, explain, type Refused, type Surroundings } from './refusal.js';
import { DARWIN } from './refusal-rules.js';
import type { Place, Span, System, SystemCapabilities } from './system.js';

const PROT = { 'no-access': 0, 'read-only': 1, 'read-write': 3 } as const;
const MAP_PRIVATE_ANON = 0x0002 | 0x1000;
const MAP_FAILED = 2n ** 64n - 1n;
const VM_INHERIT_NONE = 2;
const RLIMIT_MEMLOCK = 6;
const RLIM_INFINITY = 2n ** 63n - 1n;

/**
 * macOS. Written from Apple's manual pages and tested against a stand-in only; no Mac has run it yet. There is no advice
 * that keeps a range out of core files, and no cheap way to ask about one's own mappings, so neither is claimed.
 */
export class Darwin implements System {
  readonly pageByteLength: number;
  readonly #calls: DarwinCalls;
  readonly #errors: BackendErrors;
  readonly #around: Surroundings;
  readonly #limits = new BigUint64Array(2);
  #inheritNone = true;

  constructor(calls: DarwinCalls, errors: BackendErrors) {
    this.#calls = calls;
    this.#errors = errors;
    this.pageByteLength = calls.getpagesize();
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
    const base = this.#reserve('open', page);
    const span: Span = { address: offsetBy(base, page), byteLength: page };
    try {
      this.protect(span, 'read-write', 'open');
      this.#inheritNone = this.#calls.minherit(span.address, page, VM_INHERIT_NONE) === 0;
      this.protect(span, 'read-only', 'open');
      this.protect(span, 'no-access', 'open');
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

  lockLimit(): LockLimit {
    return lockLimitOf(this.#lockNumbers());
  }

  raiseLockLimit(byteLength: number): LockLimit {
    const port = {
      numbers: () => this.#lockNumbers(),
      set: (wanted: number) => {
        this.#limits[0] = BigInt(wanted);
        if (this.#calls.setrlimit(RLIMIT_MEMLOCK, this.#limits) === 0) return undefined;
        return this.#refusedBy('setrlimit', 'lock');
      },
    };
    return raiseLockLimit(port, byteLength, DARWIN.raiseRemedy, this.#errors);
  }

  lockedByteLength(): 'unknown' {
    return 'unknown';
  }

  map(byteLength: number): Address {
    const page = this.pageByteLength;
    const base = this.#reserve('map', byteLength);
    const address = offsetBy(base, page);
    const refused = this.#prepare(address, byteLength);
    if (refused === undefined) return address;
    // Undone first and explained then, with what the process has afterwards.
    this.#calls.munmap(base, byteLength + 2 * page);
    throw this.#explain('map', refused, byteLength);
  }

  protect(span: Span, protection: Protection, operation: string): void {
    if (this.#calls.mprotect(span.address, span.byteLength, PROT[protection]) === 0) return;
    throw this.#explain(operation, this.#refusedBy('mprotect', 'memory'), span.byteLength);
  }

  unmap(span: Span): void {
    const page = this.pageByteLength;
    const base = offsetBy(span.address, -page);
    if (this.#calls.munmap(base, span.byteLength + 2 * page) === 0) return;
    throw this.#explain('unmap', this.#refusedBy('munmap', 'memory'), span.byteLength);
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

  #lockNumbers(): LockNumbers {
    const known = this.#calls.getrlimit(RLIMIT_MEMLOCK, this.#limits) === 0;
    const [soft, hard] = this.#limits as unknown as [bigint, bigint];
    const wired = new BigUint64Array(1);
    const size = BigUint64Array.of(8n);
    const told = this.#calls.sysctlbyname('vm.user_wire_limit', wired, size, null, 0) === 0;
    return {
      soft: known ? bytesOf(soft) : undefined,
      hard: bytesOf(hard),
      system: told ? Number(wired[0]) : undefined,
      exempt: () => false,
    };
  }

  #reserve(operation: string, byteLength: number): Address {
    const wanted = byteLength + 2 * this.pageByteLength;
    const base = this.#calls.mmap(null, wanted, PROT['no-access'], MAP_PRIVATE_ANON, -1, 0);
    if (base !== MAP_FAILED) return base;
    throw this.#explain(operation, this.#refusedBy('mmap', 'address-space'), byteLength);
  }

  /** Opens and locks reserved address space. The advice comes first: what is locked is out of children at once. */
  #prepare(address: Address, byteLength: number): Refused | undefined {
    const calls = this.#calls;
    if (calls.mprotect(address, byteLength, PROT['read-write']) !== 0) {
      return this.#refusedBy('mprotect', 'memory');
    }
    if (this.#inheritNone && calls.minherit(address, byteLength, VM_INHERIT_NONE) !== 0) {
      return this.#refusedBy('minherit', 'memory');
    }
    if (calls.mlock(address, byteLength) === 0) return undefined;
    const refused = this.#refusedBy('mlock', 'lock');
    calls.munlock(address, byteLength);
    return refused;
  }

  #refusedBy(syscall: string, asksFor: Asked): Refused {
    return { syscall, errno: this.#calls.errno(), asksFor };
  }

  #explain(operation: string, refused: Refused, byteLength: number): Error {
    const { code, message, details } = explain(refused, byteLength, DARWIN, this.#around);
    const { syscall, errno } = refused;
    return this.#errors.system(code, operation, syscall, errno, message, details);
  }
}

function bytesOf(limit: bigint): number {
  return limit >= RLIM_INFINITY ? Number.POSITIVE_INFINITY : Number(limit);
}
