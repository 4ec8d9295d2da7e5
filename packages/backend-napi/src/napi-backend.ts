import {
  type AgreementAlgorithm,
  type BackendCapabilities,
  byteLengthOfOrdinary,
  CONTRACT_VERSION,
  type EnvironmentTaken,
  type ForkBehaviour,
  type KeyReference,
  type KeyType,
  type LockLimit,
  type MemoryBackend,
  type PendingSignature,
  type Protection,
  type RegionFacts,
  type RegionId,
  type RegionRange,
  requireVariableName,
  type SignatureAlgorithm,
  type View,
} from '@securemem/core/contract';
import type { Binding } from './binding.js';
import { BACKEND_NAME, errors, failure, lastRefusal } from './failure.js';
import { whyNoReferences } from './key-references.js';
import { NapiKeys } from './napi-keys.js';
import { EmptyView, NapiView, openBuffer } from './napi-view.js';
import { lockedByteLength, lockLimit, raise } from './native-limits.js';
import { Status } from './status.js';

/** In the order of `Protection` in native/pages.h. */
export const PROTECTIONS: readonly Protection[] = ['no-access', 'read-only', 'read-write'];
const NO_ACCESS = 0;
const READ_ONLY = 1;
const READ_WRITE = 2;

/** In the order of `ForkBehaviour` in native/pages.h. */
export const FORK_BEHAVIOURS: readonly ForkBehaviour[] = ['absent', 'zeroed', 'inherited'];

/** Numbers per region that `inspect` of the addon writes. */
export const FACTS = 7;

/** An owner that is nobody: every call with it answers that the backend is closed. */
const NOBODY = 0;

function levelOf(protection: Protection): number {
  if (protection === 'read-write') return READ_WRITE;
  if (protection === 'no-access') return NO_ACCESS;
  if (protection === 'read-only') return READ_ONLY;
  throw new TypeError('protection must be no-access, read-only or read-write');
}

/**
 * The contract over the addon. All bookkeeping of regions is native, so a method is one call and one comparison; what comes
 * back is turned into an error only when it is one.
 */
export class NapiBackend implements MemoryBackend {
  readonly name = BACKEND_NAME;
  readonly contractVersion = CONTRACT_VERSION;
  readonly capabilities: BackendCapabilities;
  readonly pageByteLength: number;
  readonly #binding: Binding;
  readonly #keys: NapiKeys;
  #owner: number;

  constructor(binding: Binding, owner: number, capabilities: BackendCapabilities) {
    this.#binding = binding;
    this.#owner = owner;
    this.#keys = new NapiKeys(binding, owner, capabilities.keys);
    this.capabilities = capabilities;
    this.pageByteLength = binding.pageByteLength;
  }

  lockLimit(): LockLimit {
    this.#requireOpen('lockLimit');
    return lockLimit(this.#binding);
  }

  /** Raises the soft limit, to the hard limit at most: that one is the administrator's to decide, even for root. */
  raiseLockLimit(byteLength: number): LockLimit {
    this.#requireOpen('raiseLockLimit');
    if (!Number.isSafeInteger(byteLength) || byteLength < 0) {
      throw new RangeError('byteLength must be a non-negative integer');
    }
    return raise(this.#binding, byteLength, errors, () => lastRefusal(this.#binding));
  }

  lockedByteLength(): number | 'unknown' {
    this.#requireOpen('lockedByteLength');
    return lockedByteLength(this.#binding);
  }

  map(byteLength: number): RegionId {
    const region = this.#binding.map(this.#owner, byteLength);
    if (region > 0) return region as RegionId;
    if (region === -Status.badRange || region === -Status.badType) {
      throw new RangeError(`byteLength must be a positive multiple of ${this.pageByteLength}`);
    }
    throw failure(this.#binding, -region, 'map');
  }

  protect(region: RegionId, protection: Protection): void {
    this.#check(this.#binding.protect(this.#owner, region, levelOf(protection)), 'protect');
  }

  wipe(region: RegionId, byteOffset: number, byteLength: number): void {
    this.#check(this.#binding.wipe(this.#owner, region, byteOffset, byteLength), 'wipe');
  }

  read(region: RegionId, byteOffset: number, target: Uint8Array): void {
    byteLengthOfOrdinary(target, 'target');
    this.#check(this.#binding.read(this.#owner, region, byteOffset, target), 'read');
  }

  write(region: RegionId, byteOffset: number, source: Uint8Array): void {
    byteLengthOfOrdinary(source, 'source');
    this.#check(this.#binding.write(this.#owner, region, byteOffset, source), 'write');
  }

  openView(region: RegionId, byteOffset: number, byteLength: number): View {
    if (this.capabilities.views === 'none') throw this.#withoutViews(region);
    const buffer = openBuffer(this.#binding, this.#owner, region, byteOffset, byteLength);
    if (typeof buffer === 'object') {
      return new NapiView(this.#binding, buffer);
    }
    this.#check(buffer, 'openView');
    return new EmptyView();
  }

  inspect(regions: readonly RegionId[]): readonly (RegionFacts | 'unknown')[] {
    const answers = new Float64Array(regions.length * FACTS);
    // Whatever is no number becomes NaN here, which is no id.
    const ids = Float64Array.from(regions, (region) => (typeof region === 'number' ? region : NaN));
    const status = this.#binding.inspect(this.#owner, ids, answers);
    this.#check(status, 'inspect');
    return regions.map((_, index) => {
      const at = index * FACTS;
      const [known, locked, protection, guarded, dumpExcluded, fork] = answers.subarray(at);
      if (known !== 1) return 'unknown';
      return {
        lockedByteLength: locked as number,
        protection: PROTECTIONS[protection as number] as Protection,
        guarded: guarded === 1,
        dumpExcluded: dumpExcluded === 1,
        forkBehaviour: FORK_BEHAVIOURS[fork as number] as ForkBehaviour,
      };
    });
  }

  unmap(region: RegionId): void {
    this.#check(this.#binding.unmap(this.#owner, region), 'unmap');
  }

  seal(
    key: RegionRange,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    plaintext: RegionRange,
    target: Uint8Array,
  ): void {
    this.#crypt('seal', key, nonce, associatedData, plaintext, target, 'target');
  }

  unseal(
    key: RegionRange,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    source: Uint8Array,
    plaintext: RegionRange,
  ): void {
    this.#crypt('unseal', key, nonce, associatedData, plaintext, source, 'source');
  }

  sign(
    algorithm: SignatureAlgorithm,
    key: RegionRange,
    message: Uint8Array,
    target: Uint8Array,
  ): number {
    this.#requireOpen('sign');
    return this.#keys.sign(algorithm, key, message, target);
  }

  /** RSA only, on a thread of the runtime's pool. What is wrong with the arguments is thrown, everything later rejects. */
  signLater(
    algorithm: SignatureAlgorithm,
    key: RegionRange,
    message: Uint8Array,
  ): PendingSignature {
    this.#requireOpen('signLater');
    return this.#keys.signLater(algorithm, key, message);
  }

  /** By the provider of `@securemem/openssl`, which is loaded into OpenSSL with the first key. */
  openKey(key: RegionRange, type: KeyType): KeyReference {
    this.#requireOpen('openKey');
    if (this.capabilities.keyReferences === 'provider') return this.#keys.openKey(key, type);
    throw errors.own('ERR_SECMEM_NOT_SUPPORTED', 'openKey', whyNoReferences() ?? 'not here');
  }

  publicKey(type: KeyType, key: RegionRange, target: Uint8Array): number {
    this.#requireOpen('publicKey');
    return this.#keys.publicKey(type, key, target);
  }

  agree(
    algorithm: AgreementAlgorithm,
    key: RegionRange,
    peer: Uint8Array,
    secret: RegionRange,
  ): void {
    this.#requireOpen('agree');
    this.#keys.agree(algorithm, key, peer, secret);
  }

  environmentByteLength(name: string): number | undefined {
    this.#requireEnvironment('environmentByteLength');
    const byteLength = this.#binding.variableByteLength(requireVariableName(name));
    return byteLength < 0 ? undefined : byteLength;
  }

  takeEnvironment(name: string, target: RegionRange): EnvironmentTaken {
    const operation = 'takeEnvironment';
    this.#requireEnvironment(operation);
    const { region, byteOffset, byteLength } = target;
    const bytes = requireVariableName(name);
    const answer = new Float64Array(2);
    const owner = this.#owner;
    const status = this.#binding.takeVariable(owner, region, byteOffset, byteLength, bytes, answer);
    this.#check(status, operation);
    const [places = 0, searched = 0] = answer;
    return { places, startBlock: searched === 1 ? 'searched' : 'unknown' };
  }

  [Symbol.dispose](): void {
    if (this.#owner === NOBODY) return;
    const owner = this.#owner;
    this.#owner = NOBODY;
    this.#binding.close(owner);
  }

  #crypt(
    operation: 'seal' | 'unseal',
    key: RegionRange,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    plaintext: RegionRange,
    sealed: Uint8Array,
    sealedName: string,
  ): void {
    this.#requireOpen(operation);
    // The fields may be getters: each is read once, and before the arrays are checked.
    const { region: keyRegion, byteOffset: keyOffset, byteLength: keyLength } = key;
    const { region, byteOffset, byteLength } = plaintext;
    if (byteLengthOfOrdinary(nonce, 'nonce') !== 12) throw new RangeError('nonce must be 12 bytes');
    byteLengthOfOrdinary(associatedData, 'associatedData');
    if (byteLengthOfOrdinary(sealed, sealedName) !== byteLength + 16) {
      throw new RangeError(`${sealedName} must be 16 bytes longer than the plaintext`);
    }
    if (keyLength !== 32) throw new RangeError('key must be a range of 32 bytes');
    const status = this.#binding[operation](
      this.#owner,
      keyRegion,
      keyOffset,
      nonce,
      associatedData,
      region,
      byteOffset,
      byteLength,
      sealed,
    );
    this.#check(status, operation);
  }

  #requireEnvironment(operation: string): void {
    this.#requireOpen(operation);
    if (this.capabilities.environment === 'erasable') return;
    const message = 'there is no environment here that can be erased';
    throw errors.own('ERR_SECMEM_NOT_SUPPORTED', operation, message);
  }

  #check(status: number, operation: string): void {
    if (status !== Status.ok) throw failure(this.#binding, status, operation);
  }

  #requireOpen(operation: string): void {
    if (this.#owner === NOBODY) throw failure(this.#binding, Status.closed, operation);
  }

  #withoutViews(region: RegionId): Error {
    // A stale id is the earlier mistake, so it is reported first.
    const status = this.#binding.wipe(this.#owner, region, 0, 0);
    if (status !== Status.ok) return failure(this.#binding, status, 'openView');
    const message = 'this backend was opened without views';
    return errors.own('ERR_SECMEM_NOT_SUPPORTED', 'openView', message);
  }
}
