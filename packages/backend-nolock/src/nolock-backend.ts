import {
  type AgreementAlgorithm,
  type BackendCapabilities,
  type BackendFactory,
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
  SecureMemoryError,
  type SignatureAlgorithm,
  type View,
  zero,
} from '@securemem/core/contract';

/**
 * Ordinary memory protects nothing, and says so in every line. That is all a capability is: a statement that the receipts
 * of secrets repeat. `threadExit` is `kept`, since the memory of a terminated worker goes back to the system allocator as
 * it is; `forkBehaviour` is `inherited`, since a forked child has a copy of every ordinary page.
 */
const CAPABILITIES: BackendCapabilities = Object.freeze({
  locking: 'none',
  guardPages: false,
  protection: 'none',
  dumpExclusion: false,
  forkBehaviour: 'inherited',
  kernelHidden: false,
  views: 'none',
  threadExit: 'kept',
  cipher: 'none',
  keys: Object.freeze([]),
  keysLater: Object.freeze([]),
  keyReferences: 'none',
  environment: 'none',
});

/** There are no real pages here; the size is the one that core sees most often elsewhere. */
const PAGE_BYTE_LENGTH = 4096;

/** Nothing is locked, so no lock limit binds. `unknown` would make core cautious about a limit that does not exist. */
const NO_LIMIT: LockLimit = Object.freeze({ kind: 'unlimited' });

/** Taken at import: wiping must not depend on a prototype that somebody patches later. */
const set = Uint8Array.prototype.set;

/**
 * The last id that any backend of this module gave out. Counting up for ever is the simplest form of a generation: no id
 * is ever used twice, not even by another instance, so a stale or foreign id is simply not in the table.
 */
let lastRegionId = 0;

class NolockBackend implements MemoryBackend {
  readonly name = 'nolock';
  readonly contractVersion = CONTRACT_VERSION;
  readonly capabilities = CAPABILITIES;
  readonly pageByteLength = PAGE_BYTE_LENGTH;

  /** One buffer for one region. The map is the only reference, so that a released region can be collected. */
  readonly #regions = new Map<RegionId, Uint8Array>();
  #closed = false;

  lockLimit(): LockLimit {
    this.#requireOpen('lockLimit');
    return NO_LIMIT;
  }

  raiseLockLimit(byteLength: number): LockLimit {
    this.#requireOpen('raiseLockLimit');
    requireCount(byteLength, 'byteLength');
    return NO_LIMIT;
  }

  lockedByteLength(): 'unknown' {
    this.#requireOpen('lockedByteLength');
    return 'unknown'; // We lock nothing, but others in this process may; without a system call we cannot know.
  }

  map(byteLength: number): RegionId {
    this.#requireOpen('map');
    requireMapLength(byteLength, PAGE_BYTE_LENGTH);
    let bytes: Uint8Array;
    try {
      // Its own ArrayBuffer, never Buffer.from or Buffer.allocUnsafe: those cut small buffers out of one shared pool.
      bytes = new Uint8Array(new ArrayBuffer(byteLength));
    } catch (cause) {
      throw this.#error('ERR_SECMEM_OUT_OF_MEMORY', 'map', 'no memory for a region of this size', {
        details: { limit: 'memory', requestedByteLength: byteLength },
        cause,
      });
    }
    lastRegionId += 1;
    const region = lastRegionId as RegionId;
    this.#regions.set(region, bytes);
    return region;
  }

  protect(region: RegionId, protection: Protection): void {
    this.#bytesOf(region, 'protect');
    requireProtection(protection);
    // A silent no-op here would make a receipt lie. `read-write` is what the region has anyway.
    if (protection !== 'read-write')
      throw this.#notSupported('protect', `protection ${protection}`);
  }

  wipe(region: RegionId, byteOffset: number, byteLength: number): void {
    // The engine cannot remove this: the memory stays reachable, and zero is a call into the runtime.
    zero(this.#rangeOf(region, byteOffset, byteLength, 'wipe'));
  }

  read(region: RegionId, byteOffset: number, target: Uint8Array): void {
    this.#bytesOf(region, 'read');
    const byteLength = byteLengthOfOrdinary(target, 'target');
    set.call(target, this.#rangeOf(region, byteOffset, byteLength, 'read'));
  }

  write(region: RegionId, byteOffset: number, source: Uint8Array): void {
    this.#bytesOf(region, 'write');
    const byteLength = byteLengthOfOrdinary(source, 'source');
    set.call(this.#rangeOf(region, byteOffset, byteLength, 'write'), source);
  }

  /** A view of a part of an ArrayBuffer would show the neighbours through `.buffer`, so there are none: copies only. */
  openView(region: RegionId, _byteOffset: number, _byteLength: number): View {
    this.#bytesOf(region, 'openView');
    throw this.#notSupported('openView', 'a view');
  }

  /** Facts come from the operating system or not at all. Pure JavaScript has no address to ask it about. */
  inspect(regions: readonly RegionId[]): readonly (RegionFacts | 'unknown')[] {
    this.#requireOpen('inspect');
    return regions.map((region) => {
      this.#bytesOf(region, 'inspect');
      return 'unknown';
    });
  }

  unmap(region: RegionId): void {
    zero(this.#bytesOf(region, 'unmap'));
    this.#regions.delete(region);
  }

  seal(
    _key: RegionRange,
    _nonce: Uint8Array,
    _associatedData: Uint8Array,
    _plaintext: RegionRange,
    _target: Uint8Array,
  ): void {
    this.#requireOpen('seal');
    throw this.#notSupported('seal', 'a cipher');
  }

  unseal(
    _key: RegionRange,
    _nonce: Uint8Array,
    _associatedData: Uint8Array,
    _source: Uint8Array,
    _plaintext: RegionRange,
  ): void {
    this.#requireOpen('unseal');
    throw this.#notSupported('unseal', 'a cipher');
  }

  sign(
    _algorithm: SignatureAlgorithm,
    _key: RegionRange,
    _message: Uint8Array,
    _target: Uint8Array,
  ): number {
    this.#requireOpen('sign');
    throw this.#notSupported('sign', 'a signature');
  }

  signLater(
    _algorithm: SignatureAlgorithm,
    _key: RegionRange,
    _message: Uint8Array,
  ): PendingSignature {
    this.#requireOpen('signLater');
    throw this.#notSupported('signLater', 'a signature');
  }

  openKey(_key: RegionRange, _type: KeyType): KeyReference {
    this.#requireOpen('openKey');
    throw this.#notSupported('openKey', 'a reference of a key');
  }

  publicKey(_type: KeyType, _key: RegionRange, _target: Uint8Array): number {
    this.#requireOpen('publicKey');
    throw this.#notSupported('publicKey', 'a public key');
  }

  agree(
    _algorithm: AgreementAlgorithm,
    _key: RegionRange,
    _peer: Uint8Array,
    _secret: RegionRange,
  ): void {
    this.#requireOpen('agree');
    throw this.#notSupported('agree', 'an agreement');
  }

  environmentByteLength(_name: string): number | undefined {
    this.#requireOpen('environmentByteLength');
    throw this.#notSupported('environmentByteLength', 'an environment that can be erased');
  }

  takeEnvironment(_name: string, _target: RegionRange): EnvironmentTaken {
    this.#requireOpen('takeEnvironment');
    throw this.#notSupported('takeEnvironment', 'an environment that can be erased');
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    for (const bytes of this.#regions.values()) zero(bytes);
    this.#regions.clear();
  }

  #requireOpen(operation: string): void {
    if (this.#closed) throw this.#error('ERR_SECMEM_CLOSED', operation, 'the backend is closed');
  }

  /** The precondition on ids, in one place. Every method that takes an id goes through here first. */
  #bytesOf(region: RegionId, operation: string): Uint8Array {
    this.#requireOpen(operation);
    const bytes = this.#regions.get(region);
    if (bytes === undefined) {
      throw this.#error('ERR_SECMEM_DISPOSED', operation, 'no live region has this id');
    }
    return bytes;
  }

  #rangeOf(
    region: RegionId,
    byteOffset: number,
    byteLength: number,
    operation: string,
  ): Uint8Array {
    const bytes = this.#bytesOf(region, operation);
    requireRange(byteOffset, byteLength, bytes.byteLength);
    return new Uint8Array(bytes.buffer, byteOffset, byteLength);
  }

  #notSupported(operation: string, what: string): SecureMemoryError {
    return this.#error(
      'ERR_SECMEM_NOT_SUPPORTED',
      operation,
      `ordinary memory cannot give ${what}`,
    );
  }

  #error(
    code: SecureMemoryError['code'],
    operation: string,
    message: string,
    more: { details?: Record<string, unknown>; cause?: unknown } = {},
  ): SecureMemoryError {
    return new SecureMemoryError(code, message, { operation, backend: this.name, ...more });
  }
}

function open(options?: undefined): MemoryBackend {
  if (options !== undefined) throw new TypeError('nolockBackend() takes no options');
  return new NolockBackend();
}

/**
 * Ordinary memory behind the contract: not locked, not guarded, not hidden from core files, and labelled so. It is for a
 * `fallback` that receipts name, for machines without a native backend, and as the example to write a backend from.
 */
export const nolockBackend: BackendFactory = Object.assign(open, {
  backendName: 'nolock',
  probe: () => ({ available: true as const }),
});
