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
  requireProtection,
  requireRange,
  requireVariableName,
  type SignatureAlgorithm,
  type View,
} from '@securemem/core/contract';
import { type Address, offsetBy } from './address.js';
import type { BackendErrors } from './errors.js';
import { KeyedCalls, type KeyedFoundation } from './keyed-calls.js';
import { LEVELS, LiveRegions } from './live-regions.js';
import type { Region } from './region-table.js';
import type { System } from './system.js';
import type { Variables } from './variables.js';
import { EmptyView, RevocableView } from './view.js';

/** What a backend stands on, made and observed when it is opened. */
export interface Foundation extends KeyedFoundation {
  readonly capabilities: BackendCapabilities;
  /** Undefined where `capabilities.environment` is `none`. */
  readonly variables: Variables | undefined;
  /** An ArrayBuffer over memory, with no finalizer. */
  viewOf(address: Address, byteLength: number): ArrayBuffer;
}

/**
 * The contract, for every operating system: checks what the caller gave, keeps the table of regions, opens a closed region
 * for the length of one operation. Everything that touches memory is behind `System`.
 */
export class FfiBackend implements MemoryBackend {
  readonly name: string;
  readonly contractVersion = CONTRACT_VERSION;
  readonly capabilities: BackendCapabilities;
  readonly pageByteLength: number;
  readonly #foundation: Foundation;
  readonly #system: System;
  readonly #errors: BackendErrors;
  readonly #regions: LiveRegions;
  readonly #keyed: KeyedCalls;

  constructor(foundation: Foundation) {
    this.#foundation = foundation;
    this.#errors = foundation.errors;
    this.name = foundation.errors.backend;
    this.#system = foundation.system;
    this.capabilities = foundation.capabilities;
    this.pageByteLength = foundation.system.pageByteLength;
    this.#regions = new LiveRegions(foundation.system, foundation.errors);
    this.#keyed = new KeyedCalls(this.#regions, foundation);
  }

  lockLimit(): LockLimit {
    this.#regions.requireOpen('lockLimit');
    return this.#system.lockLimit();
  }

  raiseLockLimit(byteLength: number): LockLimit {
    this.#regions.requireOpen('raiseLockLimit');
    requireCount(byteLength, 'byteLength');
    return this.#system.raiseLockLimit(byteLength);
  }

  lockedByteLength(): number | 'unknown' {
    this.#regions.requireOpen('lockedByteLength');
    return this.#system.lockedByteLength();
  }

  map(byteLength: number): RegionId {
    this.#regions.requireOpen('map');
    requireMapLength(byteLength, this.pageByteLength);
    return this.#regions.table.add(this.#system.map(byteLength), byteLength);
  }

  protect(id: RegionId, protection: Protection): void {
    const region = this.#regions.find(id, 'protect');
    requireProtection(protection);
    const level = LEVELS[protection];
    const strongest = this.capabilities.protection;
    if (level > (strongest === 'none' ? 0 : LEVELS[strongest])) {
      throw this.#errors.own(
        'ERR_SECMEM_NOT_SUPPORTED',
        'protect',
        `the strongest protection here is ${strongest}`,
      );
    }
    this.#regions.protect(region, protection, 'protect');
  }

  wipe(id: RegionId, byteOffset: number, byteLength: number): void {
    const region = this.#regions.find(id, 'wipe');
    requireRange(byteOffset, byteLength, region.byteLength);
    if (byteLength === 0) return;
    this.#regions.opened(region, 'read-write', 'wipe', () => {
      this.#system.zero(offsetBy(region.address, byteOffset), byteLength);
    });
  }

  read(id: RegionId, byteOffset: number, target: Uint8Array): void {
    const region = this.#regions.find(id, 'read');
    const byteLength = byteLengthOfOrdinary(target, 'target');
    requireRange(byteOffset, byteLength, region.byteLength);
    if (byteLength === 0) return;
    this.#regions.opened(region, 'read-only', 'read', () => {
      this.#system.copy(target, offsetBy(region.address, byteOffset), byteLength);
    });
  }

  write(id: RegionId, byteOffset: number, source: Uint8Array): void {
    const region = this.#regions.find(id, 'write');
    const byteLength = byteLengthOfOrdinary(source, 'source');
    requireRange(byteOffset, byteLength, region.byteLength);
    if (byteLength === 0) return;
    this.#regions.opened(region, 'read-write', 'write', () => {
      this.#system.copy(offsetBy(region.address, byteOffset), source, byteLength);
    });
  }

  openView(id: RegionId, byteOffset: number, byteLength: number): View {
    const region = this.#regions.find(id, 'openView');
    if (this.capabilities.views === 'none') {
      throw this.#errors.own('ERR_SECMEM_NOT_SUPPORTED', 'openView', 'there are no views here');
    }
    requireRange(byteOffset, byteLength, region.byteLength);
    if (byteLength === 0) return new EmptyView();
    const address = offsetBy(region.address, byteOffset);
    return new RevocableView(this.#foundation.viewOf(address, byteLength), region);
  }

  inspect(ids: readonly RegionId[]): readonly (RegionFacts | 'unknown')[] {
    this.#regions.requireOpen('inspect');
    return this.#system.inspect(ids.map((id) => this.#regions.find(id, 'inspect')));
  }

  unmap(id: RegionId): void {
    const region = this.#regions.find(id, 'unmap');
    if (region.viewsHeld > 0) {
      throw this.#errors.own(
        'ERR_SECMEM_IN_USE',
        'unmap',
        'a view of the region may still be in use',
      );
    }
    this.#release(region, 'unmap');
    this.#regions.table.delete(id);
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
    _algorithm: SignatureAlgorithm,
    _key: RegionRange,
    _message: Uint8Array,
  ): PendingSignature {
    this.#regions.requireOpen('signLater');
    const message = 'an FFI calls on this thread only';
    throw this.#errors.own('ERR_SECMEM_NOT_SUPPORTED', 'signLater', message);
  }

  openKey(_key: RegionRange, _type: KeyType): KeyReference {
    this.#regions.requireOpen('openKey');
    const message = 'an FFI calls on this thread only, and OpenSSL uses a key on any';
    throw this.#errors.own('ERR_SECMEM_NOT_SUPPORTED', 'openKey', message);
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
    const variables = this.#variables('environmentByteLength');
    return variables.byteLengthOf(requireVariableName(name));
  }

  takeEnvironment(name: string, target: RegionRange): EnvironmentTaken {
    const operation = 'takeEnvironment';
    const variables = this.#variables(operation);
    const { region: id, byteOffset, byteLength } = target;
    const bytes = requireVariableName(name);
    const { region, address } = this.#regions.part(id, byteOffset, byteLength, operation);
    return this.#regions.opened(region, 'read-write', operation, () =>
      variables.take(bytes, address, byteLength),
    );
  }

  [Symbol.dispose](): void {
    if (this.#regions.closed) return;
    this.#regions.closed = true;
    for (const region of this.#regions.table.all()) {
      // What the system holds on to must not keep the others from being wiped.
      attempt(() => this.#wipeWhole(region, 'close'));
      if (region.viewsHeld > 0) continue; // Left accessible: a touch of a closed page would kill.
      attempt(() => this.#system.unmap(region));
      this.#regions.table.delete(region.id);
    }
    this.#system.close();
  }

  #variables(operation: string): Variables {
    this.#regions.requireOpen(operation);
    const { variables } = this.#foundation;
    if (variables !== undefined) return variables;
    const message = 'there is no environment here that can be erased';
    throw this.#errors.own('ERR_SECMEM_NOT_SUPPORTED', operation, message);
  }

  /** Wipes and unmaps. A region that the system holds on to is wiped, and as open as it was. */
  #release(region: Region, operation: string): void {
    const before = region.protection;
    this.#wipeWhole(region, operation);
    try {
      this.#system.unmap(region);
    } catch (error) {
      if (before !== 'read-write') this.#regions.protect(region, before, operation);
      throw error;
    }
  }

  /** For regions that nobody will use again: they are not closed after it. */
  #wipeWhole(region: Region, operation: string): void {
    if (region.protection !== 'read-write') this.#regions.protect(region, 'read-write', operation);
    this.#system.zero(region.address, region.byteLength);
  }
}

function attempt(run: () => void): void {
  try {
    run();
  } catch {}
}
