import type { LockLimit, Protection, RegionId } from '../contract/index.js';
import type { FakeAlias } from './fake-alias.js';
import { CallLog, type FakeCall, type FakeOperation } from './fake-calls.js';
import { FakeEnvironment } from './fake-environment.js';
import { type FakeKernelOptions, takeKernelOptions } from './fake-kernel-options.js';
import { FakeRegion, type FakeRegionFacts } from './fake-region.js';

/** Why the simulated kernel refused to map; the backend turns it into the error of the contract. */
export type FakeRefusal = 'memory' | 'mappings' | 'lock' | 'denied' | 'advice';

/** A system call that the simulated kernel can be told to refuse, as seccomp can tell a real one. */
export type FakeSystemCall = 'mmap' | 'mlock' | 'madvise' | 'mprotect' | 'munmap';

/**
 * A simulated kernel: regions, locks, limits and mappings, and no real memory. Several fake backends can share one, so
 * that two allocators compete for one limit as they do in a process. What a test wants to know it asks here, never the
 * backend.
 */
export class FakeKernel {
  readonly pageByteLength: number;
  readonly mappingsMax: number;
  readonly memoryByteLengthMax: number;
  /** What a real kernel would have punished: touches of closed regions, regions released with bytes in them. */
  readonly violations: string[] = [];
  /** The environment of the process. */
  readonly environment = new FakeEnvironment();
  readonly #log = new CallLog();
  readonly #regions = new Map<RegionId, FakeRegion>();
  readonly #escaped: ArrayBuffer[] = [];
  readonly #strict: boolean;
  readonly #threadHooks = new Set<() => void>();
  readonly #refused = new Set<FakeSystemCall>();
  #hardLockLimit: LockLimit;
  #lockLimit: LockLimit;
  #foreignByteLength = 0;
  #leakedMappings = 0;
  #lastId = 0;
  #aliasesReleased = 0;
  #nextViewOutcome: 'stuck' | 'escaped' | undefined;

  constructor(given?: FakeKernelOptions) {
    const options = takeKernelOptions(given);
    this.pageByteLength = options.pageByteLength;
    this.mappingsMax = options.mappingsMax;
    this.memoryByteLengthMax = options.memoryByteLengthMax;
    this.#lockLimit = options.lockLimit;
    this.#hardLockLimit = options.hardLockLimit;
    this.#strict = options.strict;
  }

  // Limits.

  get lockLimit(): LockLimit {
    return this.#lockLimit;
  }

  get hardLockLimit(): LockLimit {
    return this.#hardLockLimit;
  }

  /** Changes the soft limit, and the hard one if given, as `prlimit` would, in mid-use. Nothing loses its lock by it. */
  setLockLimit(limit: LockLimit, hardLimit: LockLimit = this.#hardLockLimit): void {
    this.#lockLimit = limit;
    this.#hardLockLimit = hardLimit;
  }

  /** From now on locking is forbidden whatever the limit is, as under seccomp. */
  denyLocking(denied: boolean): void {
    if (denied) this.refuse('mlock');
    else this.allow('mlock');
  }

  /** From now on this system call fails. What the backend does then is what the contract says of a throw. */
  refuse(call: FakeSystemCall): void {
    this.#refused.add(call);
  }

  allow(call: FakeSystemCall): void {
    this.#refused.delete(call);
  }

  refuses(call: FakeSystemCall): boolean {
    return this.#refused.has(call);
  }

  /** Another locker in the same process takes bytes of the limit. */
  lockForeign(byteLength: number): void {
    this.#foreignByteLength += byteLength;
  }

  unlockForeign(byteLength: number): void {
    this.#foreignByteLength = Math.max(0, this.#foreignByteLength - byteLength);
  }

  // What is there now.

  get lockedByteLength(): number {
    let sum = this.#foreignByteLength;
    for (const region of this.#regions.values()) sum += region.facts.lockedByteLength;
    return sum;
  }

  get mappedByteLength(): number {
    let sum = 0;
    for (const region of this.#regions.values()) sum += region.byteLength;
    return sum;
  }

  get mappings(): number {
    let sum = this.#leakedMappings;
    for (const region of this.#regions.values()) sum += mappingsOf(region.facts);
    return sum;
  }

  get regionCount(): number {
    return this.#regions.size;
  }

  get regionIds(): readonly RegionId[] {
    return [...this.#regions.keys()];
  }

  /** How often each operation was called, failures included, by all backends of this kernel. */
  get calls(): Readonly<Record<FakeOperation, number>> {
    return this.#log.counts;
  }

  /** The operations in order, the newest 10,000 at least. Limit queries are counted but not listed. */
  get log(): readonly FakeCall[] {
    return this.#log.entries;
  }

  protectionOf(region: RegionId): Protection {
    return this.region(region).facts.protection;
  }

  /** A copy of what the region holds, under any protection. */
  peek(region: RegionId, byteOffset: number, byteLength: number): Uint8Array {
    const found = this.region(region);
    found.settle();
    const copy = new Uint8Array(new ArrayBuffer(byteLength));
    copy.set(found.store.subarray(byteOffset, byteOffset + byteLength));
    return copy;
  }

  /** Overwrites bytes behind everybody's back, as a stray pointer would. */
  poke(region: RegionId, byteOffset: number, bytes: Uint8Array): void {
    const found = this.region(region);
    found.settle();
    found.store.set(bytes, byteOffset);
    found.publish(byteOffset, bytes.length);
  }

  /** What a touch of one byte does. Offsets just outside the region hit the guards, where there are any. */
  touch(region: RegionId, byteOffset: number, access: 'read' | 'write'): 'dies' | 'survives' {
    const { facts, byteLength } = this.region(region);
    if (byteOffset < 0) return facts.guardBefore ? 'dies' : 'survives';
    if (byteOffset >= byteLength) return facts.guardAfter ? 'dies' : 'survives';
    if (facts.protection === 'no-access') return 'dies';
    return access === 'write' && facts.protection === 'read-only' ? 'dies' : 'survives';
  }

  // Tampering, for tests of those who rely on the kernel.

  /** Changes what is true of a region without any backend knowing: a lost lock, a missing guard. */
  tamper(region: RegionId, facts: Partial<FakeRegionFacts>): void {
    const found = this.region(region);
    const { protection, ...others } = facts;
    Object.assign(found.facts, others);
    if (protection !== undefined) found.protect(protection);
  }

  /** Adds mappings that belong to no region and never go away. */
  leakMappings(count: number): void {
    this.#leakedMappings += count;
  }

  /** Decides the outcome of the next close of a view, of any backend of this kernel. */
  nextViewOutcome(outcome: 'stuck' | 'escaped'): void {
    this.#nextViewOutcome = outcome;
  }

  /** Every alias of an escaped or stuck view becomes garbage: `aliasAlive` answers false from now on. */
  releaseAliases(): void {
    this.#escaped.length = 0;
    this.#aliasesReleased += 1;
  }

  /** The thread of every open backend is terminated in mid-use. */
  endThread(): void {
    for (const hook of [...this.#threadHooks].reverse()) hook();
  }

  // For fake backends.

  /** The region of this id, or undefined when it is gone. */
  find(region: RegionId): FakeRegion | undefined {
    return this.#regions.get(region);
  }

  region(region: RegionId): FakeRegion {
    const found = this.#regions.get(region);
    if (found === undefined) throw new RangeError(`The simulated kernel has no region ${region}`);
    return found;
  }

  record(call: FakeCall): void {
    this.#log.add(call);
  }

  /** What runs when the thread ends, as a native backend's cleanup does. The last one added runs first. */
  onThreadEnd(hook: () => void): void {
    this.#threadHooks.add(hook);
  }

  forgetThreadEnd(hook: () => void): void {
    this.#threadHooks.delete(hook);
  }

  /** Makes a region, or says why not and leaves nothing. */
  map(byteLength: number, facts: FakeRegionFacts): FakeRegion | FakeRefusal {
    const wantedByteLength = this.mappedByteLength + byteLength;
    if (wantedByteLength > this.memoryByteLengthMax || this.refuses('mmap')) return 'memory';
    if (this.mappings + mappingsOf(facts) > this.mappingsMax) return 'mappings';
    if (facts.lockedByteLength > 0) {
      const limit = this.#lockLimit;
      const wanted = this.lockedByteLength + facts.lockedByteLength;
      if (limit.kind === 'bytes' && wanted > limit.byteLength) return 'lock';
      if (this.refuses('mlock')) return 'denied';
    }
    if (facts.dumpExcluded && this.refuses('madvise')) return 'advice';
    this.#lastId += 1;
    const region = new FakeRegion(
      this.#lastId as RegionId,
      byteLength,
      facts,
      this.#strict,
      (text) => this.violations.push(text),
    );
    this.#regions.set(region.id, region);
    return region;
  }

  /**
   * Takes a region away. Bytes that are still in it are a violation, since the next owner of the page could read them,
   * and so is a view that still shows it, since a touch would kill the process.
   */
  unmap(region: FakeRegion): void {
    region.settle();
    if (region.aliases.size > 0) {
      this.violations.push(`region ${region.id}: released under a view that still shows it`);
    }
    if (!isZero(region.store)) {
      this.violations.push(`region ${region.id}: released with bytes in it`);
    }
    this.#regions.delete(region.id);
  }

  takeViewOutcome(): 'stuck' | 'escaped' | undefined {
    const outcome = this.#nextViewOutcome;
    this.#nextViewOutcome = undefined;
    return outcome;
  }

  /** Keeps an alias alive, and returns a question: is it still? */
  keepAlias(alias: FakeAlias, stolen?: ArrayBuffer): () => boolean {
    this.#escaped.push(stolen ?? alias.buffer);
    const releases = this.#aliasesReleased;
    return () => this.#aliasesReleased === releases;
  }
}

function isZero(bytes: Uint8Array): boolean {
  for (let index = 0; index < bytes.length; index += 1) if (bytes[index] !== 0) return false;
  return true;
}

function mappingsOf(facts: FakeRegionFacts): number {
  return 1 + (facts.guardBefore ? 1 : 0) + (facts.guardAfter ? 1 : 0);
}

/** A simulated kernel for one or several fake backends. */
export function createFakeKernel(options?: FakeKernelOptions): FakeKernel {
  return new FakeKernel(options);
}
