import {
  type AgreementAlgorithm,
  byteLengthOfOrdinary,
  isAgreementAlgorithm,
  isKeyType,
  isSignatureAlgorithm,
  type KeyAlgorithm,
  type KeyType,
  keyTypeOf,
  type RegionRange,
  requireAgreement,
  requireApart,
  requireKeyLength,
  requirePublicKeyTarget,
  requireSignable,
  requireSignatureTarget,
  SIGNATURES,
  type SignatureAlgorithm,
  zero,
} from '@securemem/core/contract';
import type { Cipher } from './cipher.js';
import type { BackendErrors } from './errors.js';
import type { LiveRegions, Part } from './live-regions.js';
import type { PrivateKeys, Refusal } from './private-keys.js';
import type { System } from './system.js';

/** What keyed calls stand on. */
export interface KeyedFoundation {
  readonly errors: BackendErrors;
  readonly system: System;
  readonly cipher: Cipher | undefined;
  readonly keys: PrivateKeys | undefined;
}

const REFUSED = {
  key: ['ERR_SECMEM_KEY_INVALID', 'the bytes are no private key that can do this'],
  peer: ['ERR_SECMEM_PEER_INVALID', 'the public key of the other side is none of this kind'],
} as const;

/**
 * The methods that take a key in its page. The fields of a range may be getters, which answer anything and call anything: each
 * is read once, all before the first look at a region, and the arrays are checked after them.
 */
export class KeyedCalls {
  readonly #regions: LiveRegions;
  readonly #foundation: KeyedFoundation;

  constructor(regions: LiveRegions, foundation: KeyedFoundation) {
    this.#regions = regions;
    this.#foundation = foundation;
  }

  seal(
    key: RegionRange,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    plaintext: RegionRange,
    target: Uint8Array,
  ): void {
    const cipher = this.#cipher('seal');
    const [keyAt, text] = this.#parts(key, plaintext, 'seal');
    requireCipherKey(keyAt);
    requireLength(nonce, 'nonce', 12);
    byteLengthOfOrdinary(associatedData, 'associatedData');
    requireLength(target, 'target', text.byteLength + 16);
    this.#regions.opened(keyAt.region, 'read-only', 'seal', () =>
      this.#regions.opened(text.region, 'read-only', 'seal', () =>
        cipher.seal(keyAt.address, nonce, associatedData, text.address, text.byteLength, target),
      ),
    );
  }

  unseal(
    key: RegionRange,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    source: Uint8Array,
    plaintext: RegionRange,
  ): void {
    const cipher = this.#cipher('unseal');
    const [keyAt, text] = this.#parts(key, plaintext, 'unseal');
    requireCipherKey(keyAt);
    requireLength(nonce, 'nonce', 12);
    byteLengthOfOrdinary(associatedData, 'associatedData');
    requireLength(source, 'source', text.byteLength + 16);
    // The text region first: where both are one region, it is writable before the key asks for less.
    const opened = this.#regions.opened(text.region, 'read-write', 'unseal', () =>
      this.#regions.opened(keyAt.region, 'read-only', 'unseal', () =>
        cipher.unseal(keyAt.address, nonce, associatedData, source, text.address, text.byteLength),
      ),
    );
    if (opened) return;
    throw this.#foundation.errors.own(
      'ERR_SECMEM_UNSEAL_FAILED',
      'unseal',
      'the tag does not match',
    );
  }

  sign(
    algorithm: SignatureAlgorithm,
    key: RegionRange,
    message: Uint8Array,
    target: Uint8Array,
  ): number {
    this.#regions.requireOpen('sign');
    if (!isSignatureAlgorithm(algorithm)) throw new TypeError('algorithm must sign');
    const keys = this.#keys('sign', (name) => name === algorithm);
    const keyAt = this.#keyPart(SIGNATURES[algorithm].type, key, 'sign');
    requireSignable(algorithm, message);
    requireSignatureTarget(algorithm, target);
    const outcome = this.#regions.opened(keyAt.region, 'read-only', 'sign', () =>
      keys.sign(algorithm, keyAt.address, keyAt.byteLength, message, target),
    );
    if (typeof outcome !== 'number') zero(target);
    return this.#lengthOf(outcome, 'sign');
  }

  publicKey(type: KeyType, key: RegionRange, target: Uint8Array): number {
    this.#regions.requireOpen('publicKey');
    if (!isKeyType(type)) throw new TypeError('type must be a family of keys');
    const keys = this.#keys('publicKey', (name) => keyTypeOf(name) === type);
    const keyAt = this.#keyPart(type, key, 'publicKey');
    requirePublicKeyTarget(type, target);
    const outcome = this.#regions.opened(keyAt.region, 'read-only', 'publicKey', () =>
      keys.publicKey(type, keyAt.address, keyAt.byteLength, target),
    );
    return this.#lengthOf(outcome, 'publicKey');
  }

  agree(
    algorithm: AgreementAlgorithm,
    key: RegionRange,
    peer: Uint8Array,
    secret: RegionRange,
  ): void {
    this.#regions.requireOpen('agree');
    if (!isAgreementAlgorithm(algorithm)) throw new TypeError('algorithm must agree on a secret');
    const keys = this.#keys('agree', (name) => name === algorithm);
    const [keyAt, to] = this.#parts(key, secret, 'agree');
    requireKeyLength(keyTypeOf(algorithm), keyAt.byteLength);
    requireAgreement(algorithm, peer, to.byteLength);
    requireDistance(keyAt, to);
    const { address, byteLength } = to;
    this.#regions.opened(to.region, 'read-write', 'agree', () =>
      this.#regions.opened(keyAt.region, 'read-only', 'agree', () => {
        let outcome: number | Refusal = 'key';
        try {
          outcome = keys.agree(algorithm, keyAt.address, peer, address, byteLength);
        } finally {
          if (outcome !== byteLength) this.#foundation.system.zero(address, byteLength);
        }
        this.#lengthOf(outcome, 'agree');
      }),
    );
  }

  #keyPart(
    type: KeyType,
    { region, byteOffset, byteLength }: RegionRange,
    operation: string,
  ): Part {
    const part = this.#regions.part(region, byteOffset, byteLength, operation);
    requireKeyLength(type, byteLength);
    return part;
  }

  #parts(key: RegionRange, other: RegionRange, operation: string): [Part, Part] {
    const { region: keyId, byteOffset: keyOffset, byteLength: keyLength } = key;
    const { region: otherId, byteOffset: otherOffset, byteLength: otherLength } = other;
    const keyAt = this.#regions.part(keyId, keyOffset, keyLength, operation);
    return [keyAt, this.#regions.part(otherId, otherOffset, otherLength, operation)];
  }

  #lengthOf(outcome: number | Refusal, operation: string): number {
    if (typeof outcome === 'number') return outcome;
    const [code, message] = REFUSED[outcome];
    throw this.#foundation.errors.own(code, operation, message);
  }

  #cipher(operation: string): Cipher {
    this.#regions.requireOpen(operation);
    const { cipher, errors } = this.#foundation;
    if (cipher !== undefined) return cipher;
    throw errors.own('ERR_SECMEM_NOT_SUPPORTED', operation, 'this runtime exports no cipher');
  }

  #keys(operation: string, fits: (name: KeyAlgorithm) => boolean): PrivateKeys {
    const { keys, errors } = this.#foundation;
    if (keys?.algorithms.some(fits)) return keys;
    const message = 'this runtime does not do it with a key in its page';
    throw errors.own('ERR_SECMEM_NOT_SUPPORTED', operation, message);
  }
}

function requireDistance(key: Part, secret: Part): void {
  if (key.region !== secret.region) return;
  const offsetOf = ({ region, address }: Part) => Number(address - region.address);
  requireApart(offsetOf(key), key.byteLength, offsetOf(secret), secret.byteLength);
}

function requireCipherKey({ byteLength }: Part): void {
  if (byteLength !== 32) throw new RangeError('key must be a range of 32 bytes');
}

function requireLength(value: Uint8Array, name: string, byteLength: number): void {
  if (byteLengthOfOrdinary(value, name) === byteLength) return;
  throw new RangeError(`${name} must be ${byteLength} bytes long`);
}
