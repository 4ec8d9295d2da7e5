import {
  type AgreementAlgorithm,
  type BackendCapabilities,
  byteLengthOfOrdinary,
  CONTRACT_VERSION,
  type EnvironmentTaken,
  type KeyReference,
  type KeyType,
  type LockLimit,
  type MemoryBackend,
  type PendingSignature,
  type Protection,
  type RegionFacts,
  type RegionId,
  type RegionRange,
  requireCount,
  requireMapLength,
  requireRange,
  requireVariableName,
  SecureMemoryError,
  type SignatureAlgorithm,
  type View,
} from '../contract/index.js';
import { offersProtection, rangeOf } from './fake-arguments.js';
import type { FakeOperation } from './fake-calls.js';
import {
  disposedRegion,
  notSupported,
  platformError,
  refusalError,
  viewInUse,
} from './fake-errors.js';
import { createFakeKernel, type FakeKernel } from './fake-kernel.js';
import { FakeKeyed } from './fake-keyed.js';
import type { FakeRegion, FakeRegionFacts } from './fake-region.js';
import { FakeView } from './fake-view.js';

/** As `FakeBackendOptions`, with the capabilities complete. */
export interface SimulatedBackendOptions {
  readonly kernel?: FakeKernel;
  readonly capabilities: BackendCapabilities;
  readonly name?: string;
  readonly aliasTracking?: 'exact' | 'unknown';
}

/** The methods of the contract over a simulated kernel. Opened by `fakeBackend`. */
export class SimulatedBackend implements MemoryBackend {
  readonly name: string;
  readonly contractVersion = CONTRACT_VERSION;
  readonly capabilities: BackendCapabilities;
  readonly pageByteLength: number;
  readonly kernel: FakeKernel;
  readonly #regions = new Set<RegionId>();
  readonly #views = new Map<RegionId, Set<FakeView>>();
  readonly #tracksAliases: boolean;
  readonly #keyed: FakeKeyed;
  #closed = false;

  constructor(options: SimulatedBackendOptions) {
    this.name = options.name ?? 'fake';
    this.kernel = options.kernel ?? createFakeKernel();
    this.capabilities = Object.freeze({ ...options.capabilities });
    this.pageByteLength = this.kernel.pageByteLength;
    this.#keyed = new FakeKeyed({
      name: this.name,
      capabilities: this.capabilities,
      begin: (operation) => this.#begin(operation),
      find: (operation, region) => this.#find(operation, region),
    });
    this.#tracksAliases = options.aliasTracking !== 'unknown';
    if (this.capabilities.threadExit === 'wiped') this.kernel.onThreadEnd(this.#endThread);
  }

  lockLimit(): LockLimit {
    this.#begin('lockLimit');
    return this.capabilities.locking === 'none' ? { kind: 'unlimited' } : this.kernel.lockLimit;
  }

  raiseLockLimit(byteLength: number): LockLimit {
    this.#begin('raiseLockLimit', { byteLength });
    requireCount(byteLength, 'byteLength');
    if (this.capabilities.locking === 'none') return { kind: 'unlimited' };
    const soft = this.kernel.lockLimit;
    if (soft.kind !== 'bytes' || soft.byteLength >= byteLength) return soft;
    const hard = this.kernel.hardLockLimit;
    if (hard.kind === 'unknown' || (hard.kind === 'bytes' && hard.byteLength < byteLength)) {
      throw new SecureMemoryError('ERR_SECMEM_CANNOT_RAISE', 'The hard limit does not allow it', {
        operation: 'raiseLockLimit',
        backend: this.name,
        syscall: 'setrlimit',
        errno: 1,
        details: {
          limit: 'lock',
          requestedByteLength: byteLength,
          limitByteLength: soft.byteLength,
          ...(hard.kind === 'bytes' ? { hardLimitByteLength: hard.byteLength } : {}),
        },
      });
    }
    this.kernel.setLockLimit({ kind: 'bytes', byteLength });
    return this.kernel.lockLimit;
  }

  lockedByteLength(): number | 'unknown' {
    this.#begin('lockedByteLength');
    return this.kernel.lockedByteLength;
  }

  map(byteLength: number): RegionId {
    this.#begin('map', { byteLength });
    requireMapLength(byteLength, this.pageByteLength);
    const region = this.kernel.map(byteLength, this.#factsOfNewRegion(byteLength));
    if (typeof region === 'string') throw refusalError(region, this.kernel, this.name, byteLength);
    this.#regions.add(region.id);
    return region.id;
  }

  protect(region: RegionId, protection: Protection): void {
    const found = this.#live('protect', region, { detail: protection });
    if (!offersProtection(this.capabilities.protection, protection)) {
      throw notSupported('protect', this.name, `protection ${protection}`);
    }
    if (this.kernel.refuses('mprotect')) throw platformError('protect', this.name, 'mprotect');
    found.protect(protection);
  }

  wipe(region: RegionId, byteOffset: number, byteLength: number): void {
    const found = this.#live('wipe', region, { byteOffset, byteLength });
    requireRange(byteOffset, byteLength, found.byteLength);
    found.settle();
    found.store.fill(0, byteOffset, byteOffset + byteLength);
    found.publish(byteOffset, byteLength);
  }

  read(region: RegionId, byteOffset: number, target: Uint8Array): void {
    const found = this.#live('read', region, { byteOffset, byteLength: target?.length });
    const byteLength = byteLengthOfOrdinary(target, 'target');
    requireRange(byteOffset, byteLength, found.byteLength);
    found.settle();
    target.set(found.store.subarray(byteOffset, byteOffset + byteLength));
  }

  write(region: RegionId, byteOffset: number, source: Uint8Array): void {
    const found = this.#live('write', region, { byteOffset, byteLength: source?.length });
    const byteLength = byteLengthOfOrdinary(source, 'source');
    requireRange(byteOffset, byteLength, found.byteLength);
    found.settle();
    found.store.set(source, byteOffset);
    found.publish(byteOffset, byteLength);
  }

  openView(region: RegionId, byteOffset: number, byteLength: number): View {
    const found = this.#live('openView', region, { byteOffset, byteLength });
    if (this.capabilities.views === 'none') throw notSupported('openView', this.name, 'views');
    requireRange(byteOffset, byteLength, found.byteLength);
    const view = new FakeView(this.kernel, found, byteOffset, byteLength, {
      tracksAliases: this.#tracksAliases,
      backend: this.name,
    });
    const views = this.#views.get(region) ?? new Set();
    for (const known of views) if (!known.holdsRegion) views.delete(known);
    this.#views.set(region, views.add(view));
    return view;
  }

  inspect(regions: readonly RegionId[]): readonly (RegionFacts | 'unknown')[] {
    this.#begin('inspect');
    return regions.map((region) => this.#find('inspect', region).observe());
  }

  unmap(region: RegionId): void {
    const found = this.#live('unmap', region);
    if (this.#isShown(region)) throw viewInUse('unmap', this.name);
    found.wipe();
    if (this.kernel.refuses('munmap')) throw platformError('unmap', this.name, 'munmap');
    this.#release(found);
  }

  seal(
    key: RegionRange,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    plaintext: RegionRange,
    target: Uint8Array,
  ): void {
    this.#keyed.seal(key, nonce, associatedData, plaintext, target);
  }

  unseal(
    key: RegionRange,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    source: Uint8Array,
    plaintext: RegionRange,
  ): void {
    this.#keyed.unseal(key, nonce, associatedData, source, plaintext);
  }

  sign(
    algorithm: SignatureAlgorithm,
    key: RegionRange,
    message: Uint8Array,
    target: Uint8Array,
  ): number {
    return this.#keyed.sign(algorithm, key, message, target);
  }

  signLater(
    algorithm: SignatureAlgorithm,
    key: RegionRange,
    message: Uint8Array,
  ): PendingSignature {
    return this.#keyed.signLater(algorithm, key, message);
  }

  openKey(key: RegionRange, type: KeyType): KeyReference {
    return this.#keyed.openKey(key, type);
  }

  publicKey(type: KeyType, key: RegionRange, target: Uint8Array): number {
    return this.#keyed.publicKey(type, key, target);
  }

  agree(
    algorithm: AgreementAlgorithm,
    key: RegionRange,
    peer: Uint8Array,
    secret: RegionRange,
  ): void {
    this.#keyed.agree(algorithm, key, peer, secret);
  }

  environmentByteLength(name: string): number | undefined {
    this.#beginEnvironment('environmentByteLength', name);
    return this.kernel.environment.first(name)?.length;
  }

  takeEnvironment(name: string, target: RegionRange): EnvironmentTaken {
    const { region: id, byteOffset, byteLength } = rangeOf(target);
    this.#beginEnvironment('takeEnvironment', name);
    const region = this.#find('takeEnvironment', id);
    requireRange(byteOffset, byteLength, region.byteLength);
    const value = this.kernel.environment.first(name);
    if (value?.length !== byteLength) throw new RangeError('the variable has another length');
    region.settle();
    region.store.set(value, byteOffset);
    region.publish(byteOffset, byteLength);
    return this.kernel.environment.erase(name);
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#begin('dispose');
    for (const id of this.#regions) {
      const region = this.kernel.region(id);
      if (this.#isShown(id)) region.wipe();
      else this.#release(region);
    }
    this.#closed = true;
    this.kernel.forgetThreadEnd(this.#endThread);
  }

  /** The buffers of a thread that ends are detached before this runs, so no view is in the way. */
  readonly #endThread = (): void => {
    for (const id of this.#regions) this.kernel.region(id).wipe();
    this[Symbol.dispose]();
  };

  #factsOfNewRegion(byteLength: number): FakeRegionFacts {
    const { locking, guardPages, dumpExclusion, forkBehaviour, kernelHidden } = this.capabilities;
    return {
      lockedByteLength: locking === 'locked' ? byteLength : 0,
      protection: 'read-write',
      guardBefore: guardPages,
      guardAfter: guardPages,
      dumpExcluded: dumpExclusion,
      forkBehaviour,
      kernelHidden,
    };
  }

  #begin(operation: FakeOperation, call: object = {}): void {
    this.kernel.record({ operation, backend: this.name, ...call });
    if (!this.#closed) return;
    throw new SecureMemoryError('ERR_SECMEM_CLOSED', 'This backend is closed', {
      operation,
      backend: this.name,
    });
  }

  #beginEnvironment(operation: FakeOperation, name: string): void {
    this.#begin(operation);
    if (this.capabilities.environment === 'none') {
      throw notSupported(operation, this.name, 'environment that can be erased');
    }
    requireVariableName(name);
  }

  #live(operation: FakeOperation, region: RegionId, call: object = {}): FakeRegion {
    this.#begin(operation, { region, ...call });
    return this.#find(operation, region);
  }

  #find(operation: FakeOperation, region: RegionId): FakeRegion {
    const found = this.#regions.has(region) ? this.kernel.find(region) : undefined;
    if (found === undefined) throw disposedRegion(operation, this.name, region);
    return found;
  }

  #isShown(region: RegionId): boolean {
    return [...(this.#views.get(region) ?? [])].some((view) => view.holdsRegion);
  }

  #release(region: FakeRegion): void {
    region.wipe();
    this.kernel.unmap(region);
    this.#regions.delete(region.id);
    this.#views.delete(region.id);
  }
}
