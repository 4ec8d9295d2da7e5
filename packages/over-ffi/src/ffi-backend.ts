import {
  type BackendCapabilities,
  byteLengthOfOrdinary,
  CONTRACT_VERSION,
  type LockLimit,
  type MemoryBackend,
  type Protection,
  type RegionFacts,
  type RegionId,
  type RegionRange,
  requireCount,
  requireMapLength,
  requireProtection,
  requireRange,
  type View,
} from '@securemem/core/contract';
import { type Address, offsetBy } from './address.js';
import type { Cipher } from './cipher.js';
import type { BackendErrors } from './errors.js';
import { type Region, RegionTable } from './region-table.js';
import type { System } from './system.js';
import { EmptyView, RevocableView } from './view.js';

const LEVELS: Record<Protection, number> = { 'read-write': 0, 'read-only': 1, 'no-access': 2 };

/** What a backend stands on, made and observed when it is opened. */
export interface Foundation {
  readonly errors: BackendErrors;
  readonly system: System;
  readonly capabilities: BackendCapabilities;
  /** An ArrayBuffer over memory, with no finalizer. */
  viewOf(address: Address, byteLength: number): ArrayBuffer;
  /** Undefined where `capabilities.cipher` is `none`. */
  readonly cipher: Cipher | undefined;
}

/** A checked part of a live region. */
interface Part {
  readonly region: Region;
  readonly address: Address;
  readonly byteLength: number;
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
  readonly #regions = new RegionTable();
  #closed = false;

  constructor(foundation: Foundation) {
    this.#foundation = foundation;
    this.#errors = foundation.errors;
    this.name = foundation.errors.backend;
    this.#system = foundation.system;
    this.capabilities = foundation.capabilities;
    this.pageByteLength = foundation.system.pageByteLength;
  }

  lockLimit(): LockLimit {
    this.#requireOpen('lockLimit');
    return this.#system.lockLimit();
  }

  raiseLockLimit(byteLength: number): LockLimit {
    this.#requireOpen('raiseLockLimit');
    requireCount(byteLength, 'byteLength');
    return this.#system.raiseLockLimit(byteLength);
  }

  lockedByteLength(): number | 'unknown' {
    this.#requireOpen('lockedByteLength');
    return this.#system.lockedByteLength();
  }

  map(byteLength: number): RegionId {
    this.#requireOpen('map');
    requireMapLength(byteLength, this.pageByteLength);
    return this.#regions.add(this.#system.map(byteLength), byteLength);
  }

  protect(id: RegionId, protection: Protection): void {
    const region = this.#regionOf(id, 'protect');
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
    this.#setProtection(region, protection, 'protect');
  }

  wipe(id: RegionId, byteOffset: number, byteLength: number): void {
    const region = this.#regionOf(id, 'wipe');
    requireRange(byteOffset, byteLength, region.byteLength);
    if (byteLength === 0) return;
    this.#opened(region, 'read-write', 'wipe', () => {
      this.#system.zero(offsetBy(region.address, byteOffset), byteLength);
    });
  }

  read(id: RegionId, byteOffset: number, target: Uint8Array): void {
    const region = this.#regionOf(id, 'read');
    const byteLength = byteLengthOfOrdinary(target, 'target');
    requireRange(byteOffset, byteLength, region.byteLength);
    if (byteLength === 0) return;
    this.#opened(region, 'read-only', 'read', () => {
      this.#system.copy(target, offsetBy(region.address, byteOffset), byteLength);
    });
  }

  write(id: RegionId, byteOffset: number, source: Uint8Array): void {
    const region = this.#regionOf(id, 'write');
    const byteLength = byteLengthOfOrdinary(source, 'source');
    requireRange(byteOffset, byteLength, region.byteLength);
    if (byteLength === 0) return;
    this.#opened(region, 'read-write', 'write', () => {
      this.#system.copy(offsetBy(region.address, byteOffset), source, byteLength);
    });
  }

  openView(id: RegionId, byteOffset: number, byteLength: number): View {
    const region = this.#regionOf(id, 'openView');
    if (this.capabilities.views === 'none') {
      throw this.#errors.own('ERR_SECMEM_NOT_SUPPORTED', 'openView', 'there are no views here');
    }
    requireRange(byteOffset, byteLength, region.byteLength);
    if (byteLength === 0) return new EmptyView();
    const address = offsetBy(region.address, byteOffset);
    return new RevocableView(this.#foundation.viewOf(address, byteLength), region);
  }

  inspect(ids: readonly RegionId[]): readonly (RegionFacts | 'unknown')[] {
    this.#requireOpen('inspect');
    return this.#system.inspect(ids.map((id) => this.#regionOf(id, 'inspect')));
  }

  unmap(id: RegionId): void {
    const region = this.#regionOf(id, 'unmap');
    if (region.viewsHeld > 0) {
      throw this.#errors.own(
        'ERR_SECMEM_IN_USE',
        'unmap',
        'a view of the region may still be in use',
      );
    }
    this.#release(region, 'unmap');
    this.#regions.delete(id);
  }

  seal(
    key: RegionRange,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    plaintext: RegionRange,
    target: Uint8Array,
  ): void {
    const cipher = this.#cipher('seal');
    const [keyAt, text] = this.#cipherRanges(key, plaintext, 'seal');
    requireLength(nonce, 'nonce', 12);
    byteLengthOfOrdinary(associatedData, 'associatedData');
    requireLength(target, 'target', text.byteLength + 16);
    this.#opened(keyAt.region, 'read-only', 'seal', () => {
      this.#opened(text.region, 'read-only', 'seal', () => {
        cipher.seal(keyAt.address, nonce, associatedData, text.address, text.byteLength, target);
      });
    });
  }

  unseal(
    key: RegionRange,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    source: Uint8Array,
    plaintext: RegionRange,
  ): void {
    const cipher = this.#cipher('unseal');
    const [keyAt, text] = this.#cipherRanges(key, plaintext, 'unseal');
    requireLength(nonce, 'nonce', 12);
    byteLengthOfOrdinary(associatedData, 'associatedData');
    requireLength(source, 'source', text.byteLength + 16);
    // The text region first: where both are one region, it is writable before the key asks for less.
    this.#opened(text.region, 'read-write', 'unseal', () => {
      this.#opened(keyAt.region, 'read-only', 'unseal', () => {
        const { address, byteLength } = text;
        if (cipher.unseal(keyAt.address, nonce, associatedData, source, address, byteLength))
          return;
        throw this.#errors.own('ERR_SECMEM_UNSEAL_FAILED', 'unseal', 'the tag does not match');
      });
    });
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const region of this.#regions.all()) {
      // What the system holds on to must not keep the others from being wiped.
      attempt(() => this.#wipeWhole(region, 'close'));
      if (region.viewsHeld > 0) continue; // Left accessible: a touch of a closed page would kill.
      attempt(() => this.#system.unmap(region));
      this.#regions.delete(region.id);
    }
    this.#system.close();
  }

  #requireOpen(operation: string): void {
    if (this.#closed)
      throw this.#errors.own('ERR_SECMEM_CLOSED', operation, 'the backend is closed');
  }

  #regionOf(id: RegionId, operation: string): Region {
    this.#requireOpen(operation);
    const region = this.#regions.get(id);
    if (region !== undefined) return region;
    throw this.#errors.own('ERR_SECMEM_DISPOSED', operation, 'no live region has this id');
  }

  #setProtection(region: Region, protection: Protection, operation: string): void {
    this.#system.protect(region, protection, operation);
    region.protection = protection;
  }

  /** Runs `work` while the region is at least as open as `needed`, and closes it again whatever happens. */
  #opened(region: Region, needed: Protection, operation: string, work: () => void): void {
    const before = region.protection;
    if (LEVELS[before] <= LEVELS[needed]) {
      work();
      return;
    }
    this.#setProtection(region, needed, operation);
    try {
      work();
    } finally {
      this.#setProtection(region, before, operation);
    }
  }

  /** Wipes and unmaps. A region that the system holds on to is wiped, and as open as it was. */
  #release(region: Region, operation: string): void {
    const before = region.protection;
    this.#wipeWhole(region, operation);
    try {
      this.#system.unmap(region);
    } catch (error) {
      if (before !== 'read-write') this.#setProtection(region, before, operation);
      throw error;
    }
  }

  /** For regions that nobody will use again: they are not closed after it. */
  #wipeWhole(region: Region, operation: string): void {
    if (region.protection !== 'read-write') this.#setProtection(region, 'read-write', operation);
    this.#system.zero(region.address, region.byteLength);
  }

  /**
   * The two ranges of a cipher, checked. Their fields may be getters, which answer anything and call anything: each is read
   * once, all before the first look at a region, and the arrays are checked after them.
   */
  #cipherRanges(key: RegionRange, plaintext: RegionRange, operation: string): [Part, Part] {
    const { region: keyId, byteOffset: keyOffset, byteLength: keyLength } = key;
    const { region: textId, byteOffset: textOffset, byteLength: textLength } = plaintext;
    const keyAt = this.#partOf(keyId, keyOffset, keyLength, operation);
    const text = this.#partOf(textId, textOffset, textLength, operation);
    if (keyLength !== 32) throw new RangeError('key must be a range of 32 bytes');
    return [keyAt, text];
  }

  #partOf(id: RegionId, byteOffset: number, byteLength: number, operation: string): Part {
    const region = this.#regionOf(id, operation);
    requireRange(byteOffset, byteLength, region.byteLength);
    return { region, address: offsetBy(region.address, byteOffset), byteLength };
  }

  #cipher(operation: string): Cipher {
    this.#requireOpen(operation);
    const cipher = this.#foundation.cipher;
    if (cipher !== undefined) return cipher;
    throw this.#errors.own('ERR_SECMEM_NOT_SUPPORTED', operation, 'this runtime exports no cipher');
  }
}

function attempt(run: () => void): void {
  try {
    run();
  } catch {}
}

function requireLength(value: Uint8Array, name: string, byteLength: number): void {
  if (byteLengthOfOrdinary(value, name) === byteLength) return;
  throw new RangeError(`${name} must be ${byteLength} bytes long`);
}
