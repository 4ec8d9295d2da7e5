import type {
  AgreementAlgorithm,
  BackendCapabilities,
  EnvironmentTaken,
  KeyReference,
  KeyType,
  LockLimit,
  MemoryBackend,
  PendingSignature,
  Protection,
  RegionFacts,
  RegionId,
  RegionRange,
  SignatureAlgorithm,
  View,
  ViewOutcome,
} from '../contract/index.js';
import { viewInUse } from './fake-errors.js';
import {
  type FaultPlan,
  type FaultyOperation,
  faultOf,
  type ViewOutcomePlan,
} from './fault-plan.js';
import { FaultyView } from './faulty-view.js';

interface Armed extends FaultPlan {
  from: number;
  to: number;
}

/**
 * Any backend, made to fail where a test says so. A failing call changes nothing, as the contract demands, except that a
 * failing `unmap` wipes the region all the same, and a failing `unseal` or `agree` the range that it was to fill.
 */
export class FaultyBackend implements MemoryBackend {
  readonly name: string;
  readonly contractVersion;
  readonly capabilities: BackendCapabilities;
  readonly pageByteLength: number;
  readonly inner: MemoryBackend;
  readonly #counts = new Map<FaultyOperation | 'closeView', number>();
  readonly #armed = new Map<FaultyOperation, Armed[]>();
  readonly #outcomes: (ViewOutcomePlan & { from: number; to: number })[] = [];
  readonly #byteLengths = new Map<RegionId, number>();
  readonly #views = new Set<FaultyView>();

  constructor(inner: MemoryBackend) {
    this.inner = inner;
    this.name = inner.name;
    this.contractVersion = inner.contractVersion;
    this.capabilities = inner.capabilities;
    this.pageByteLength = inner.pageByteLength;
  }

  /** Plans a failure. Several plans for one operation add up. */
  fail(operation: FaultyOperation, plan: FaultPlan = {}): void {
    const from = this.calls(operation) + (plan.on ?? 1);
    const armed = { ...plan, from, to: from + (plan.times ?? 1) };
    this.#armed.set(operation, [...(this.#armed.get(operation) ?? []), armed]);
  }

  /** Plans the outcome of closing a view, counted like `fail`. */
  failViewClose(plan: ViewOutcomePlan): void {
    const from = this.calls('closeView') + (plan.on ?? 1);
    this.#outcomes.push({ ...plan, from, to: from + (plan.times ?? 1) });
  }

  /** Forgets every plan. */
  heal(): void {
    this.#armed.clear();
    this.#outcomes.length = 0;
  }

  /** How often an operation was called through this wrapper, failures included. */
  calls(operation: FaultyOperation | 'closeView'): number {
    return this.#counts.get(operation) ?? 0;
  }

  /** The aliases of views that were planned to escape or to be stuck become garbage. */
  releaseAliases(): void {
    for (const view of this.#views) view.releaseAlias();
    this.#views.clear();
  }

  lockLimit(): LockLimit {
    this.#pass('lockLimit');
    return this.inner.lockLimit();
  }

  raiseLockLimit(byteLength: number): LockLimit {
    this.#pass('raiseLockLimit');
    return this.inner.raiseLockLimit(byteLength);
  }

  lockedByteLength(): number | 'unknown' {
    this.#pass('lockedByteLength');
    return this.inner.lockedByteLength();
  }

  map(byteLength: number): RegionId {
    this.#pass('map', byteLength);
    const region = this.inner.map(byteLength);
    this.#byteLengths.set(region, byteLength);
    return region;
  }

  protect(region: RegionId, protection: Protection): void {
    this.#pass('protect');
    this.inner.protect(region, protection);
  }

  wipe(region: RegionId, byteOffset: number, byteLength: number): void {
    this.#pass('wipe');
    this.inner.wipe(region, byteOffset, byteLength);
  }

  read(region: RegionId, byteOffset: number, target: Uint8Array): void {
    this.#pass('read');
    this.inner.read(region, byteOffset, target);
  }

  write(region: RegionId, byteOffset: number, source: Uint8Array): void {
    this.#pass('write');
    this.inner.write(region, byteOffset, source);
  }

  openView(region: RegionId, byteOffset: number, byteLength: number): View {
    this.#pass('openView');
    const inner = this.inner.openView(region, byteOffset, byteLength);
    const view: FaultyView = new FaultyView(inner, region, () => this.#nextOutcome(view));
    return view;
  }

  inspect(regions: readonly RegionId[]): readonly (RegionFacts | 'unknown')[] {
    this.#pass('inspect');
    return this.inner.inspect(regions);
  }

  unmap(region: RegionId): void {
    for (const view of this.#views) {
      if (view.region === region && view.aliasAlive() !== false)
        throw viewInUse('unmap', this.name);
    }
    const fault = this.#next('unmap');
    if (fault !== undefined) {
      this.inner.wipe(region, 0, this.#byteLengths.get(region) ?? 0);
      throw faultOf('unmap', fault, this.name);
    }
    this.inner.unmap(region);
    this.#byteLengths.delete(region);
  }

  seal(
    key: RegionRange,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    plaintext: RegionRange,
    target: Uint8Array,
  ): void {
    this.#pass('seal');
    this.inner.seal(key, nonce, associatedData, plaintext, target);
  }

  unseal(
    key: RegionRange,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    source: Uint8Array,
    plaintext: RegionRange,
  ): void {
    const fault = this.#next('unseal');
    if (fault !== undefined) {
      this.inner.wipe(plaintext.region, plaintext.byteOffset, plaintext.byteLength);
      throw faultOf('unseal', fault, this.name);
    }
    this.inner.unseal(key, nonce, associatedData, source, plaintext);
  }

  sign(
    algorithm: SignatureAlgorithm,
    key: RegionRange,
    message: Uint8Array,
    target: Uint8Array,
  ): number {
    this.#pass('sign');
    return this.inner.sign(algorithm, key, message, target);
  }

  signLater(
    algorithm: SignatureAlgorithm,
    key: RegionRange,
    message: Uint8Array,
  ): PendingSignature {
    this.#pass('signLater');
    return this.inner.signLater(algorithm, key, message);
  }

  openKey(key: RegionRange, type: KeyType): KeyReference {
    this.#pass('openKey');
    return this.inner.openKey(key, type);
  }

  publicKey(type: KeyType, key: RegionRange, target: Uint8Array): number {
    this.#pass('publicKey');
    return this.inner.publicKey(type, key, target);
  }

  agree(
    algorithm: AgreementAlgorithm,
    key: RegionRange,
    peer: Uint8Array,
    secret: RegionRange,
  ): void {
    const fault = this.#next('agree');
    if (fault !== undefined) {
      this.inner.wipe(secret.region, secret.byteOffset, secret.byteLength);
      throw faultOf('agree', fault, this.name);
    }
    this.inner.agree(algorithm, key, peer, secret);
  }

  environmentByteLength(name: string): number | undefined {
    this.#pass('environmentByteLength');
    return this.inner.environmentByteLength(name);
  }

  takeEnvironment(name: string, target: RegionRange): EnvironmentTaken {
    this.#pass('takeEnvironment');
    return this.inner.takeEnvironment(name, target);
  }

  [Symbol.dispose](): void {
    this.inner[Symbol.dispose]();
  }

  #nextOutcome(view: FaultyView): Exclude<ViewOutcome, 'revoked'> | undefined {
    const count = this.#count('closeView');
    const outcome = this.#outcomes.find(({ from, to }) => from <= count && count < to)?.outcome;
    if (outcome !== undefined) this.#views.add(view);
    return outcome;
  }

  #count(operation: FaultyOperation | 'closeView'): number {
    const count = this.calls(operation) + 1;
    this.#counts.set(operation, count);
    return count;
  }

  #next(operation: FaultyOperation): FaultPlan | undefined {
    const count = this.#count(operation);
    return this.#armed.get(operation)?.find(({ from, to }) => from <= count && count < to);
  }

  #pass(operation: FaultyOperation, requestedByteLength?: number): void {
    const fault = this.#next(operation);
    if (fault !== undefined) throw faultOf(operation, fault, this.name, requestedByteLength);
  }
}

/** Wraps a backend; `plan` lists the first failures. */
export function faultyBackend(
  backend: MemoryBackend,
  plan: readonly (FaultPlan & { readonly operation: FaultyOperation })[] = [],
): FaultyBackend {
  const faulty = new FaultyBackend(backend);
  for (const { operation, ...fault } of plan) faulty.fail(operation, fault);
  return faulty;
}
