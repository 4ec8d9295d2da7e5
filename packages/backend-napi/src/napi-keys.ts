import {
  type AgreementAlgorithm,
  isAgreementAlgorithm,
  isKeyType,
  isSignatureAlgorithm,
  KEY_ALGORITHMS,
  KEY_TYPES,
  type KeyAlgorithm,
  type KeyReference,
  type KeyType,
  keyTypeOf,
  type PendingSignature,
  type RegionRange,
  requireAgreement,
  requireApart,
  requireKeyLength,
  requirePublicKeyTarget,
  requireSignable,
  requireSignatureTarget,
  type SignatureAlgorithm,
} from '@securemem/core/contract';
import type { Binding } from './binding.js';
import { errors, failure } from './failure.js';
import { referenceOf } from './key-references.js';
import { NapiPendingSignature } from './pending-signature.js';

/** In the order of `KeyType` in native/keys.h. */
const KEY_TYPE_NUMBERS: readonly KeyType[] = [
  ...(['Ed25519', 'X25519', 'P-256', 'P-384', 'P-521', 'secp256k1', 'RSA'] as const),
];

/** In the order of `Signing` in native/keys.h. */
const SIGNING_NUMBERS: readonly SignatureAlgorithm[] = [
  ...(['Ed25519', 'ES256', 'ES384', 'ES512', 'ES256K', 'ES256K-R'] as const),
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const),
];

/** In the order of `Agreement` in native/keys.h. */
const AGREEMENT_NUMBERS: readonly AgreementAlgorithm[] = [
  ...(['X25519', 'ECDH-P-256', 'ECDH-P-384', 'ECDH-P-521', 'ECDH-secp256k1'] as const),
];

/** What the addon does with keys here: everything of the families that gave the right answers to known questions. */
export function keyAlgorithms(binding: Binding): readonly KeyAlgorithm[] {
  const known = binding.keyTypes();
  const isKnown = (type: KeyType) => (known & (1 << KEY_TYPE_NUMBERS.indexOf(type))) !== 0;
  return Object.freeze(KEY_ALGORITHMS.filter((algorithm) => isKnown(keyTypeOf(algorithm))));
}

/** What of it also runs on a thread of the runtime's pool: what takes longer than a millisecond. */
export function laterAlgorithms(keys: readonly KeyAlgorithm[]): readonly SignatureAlgorithm[] {
  const isLater = (name: KeyAlgorithm): name is SignatureAlgorithm => keyTypeOf(name) === 'RSA';
  return Object.freeze(keys.filter(isLater));
}

/** The range of a key. The fields may be getters: each is read once, and before anything is checked. */
function fieldsOf({ region, byteOffset, byteLength }: RegionRange): RegionRange {
  return { region, byteOffset, byteLength };
}

/** The methods of the contract that use private keys in regions, for an owner of regions that is open. */
export class NapiKeys {
  readonly #binding: Binding;
  readonly #owner: number;
  readonly #algorithms: readonly KeyAlgorithm[];

  constructor(binding: Binding, owner: number, algorithms: readonly KeyAlgorithm[]) {
    this.#binding = binding;
    this.#owner = owner;
    this.#algorithms = algorithms;
  }

  sign(
    algorithm: SignatureAlgorithm,
    key: RegionRange,
    message: Uint8Array,
    target: Uint8Array,
  ): number {
    const { region, byteOffset, byteLength } = this.#toSign(algorithm, key, message, 'sign');
    requireSignatureTarget(algorithm, target);
    const use = SIGNING_NUMBERS.indexOf(algorithm);
    return this.#checked(
      this.#binding.sign(this.#owner, use, region, byteOffset, byteLength, message, target),
      'sign',
    );
  }

  publicKey(type: KeyType, key: RegionRange, target: Uint8Array): number {
    if (!isKeyType(type)) throw new TypeError(`${String(type)} is no type of keys`);
    this.#require((algorithm) => keyTypeOf(algorithm) === type, type, 'publicKey');
    const { region, byteOffset, byteLength } = fieldsOf(key);
    requireKeyLength(type, byteLength);
    requirePublicKeyTarget(type, target);
    const use = KEY_TYPE_NUMBERS.indexOf(type);
    return this.#checked(
      this.#binding.publicKey(this.#owner, use, region, byteOffset, byteLength, target),
      'publicKey',
    );
  }

  openKey(key: RegionRange, type: KeyType): KeyReference {
    const { region, byteOffset, byteLength } = fieldsOf(key);
    const range = { region, byteOffset, byteLength };
    const target = new Uint8Array(
      new ArrayBuffer(KEY_TYPES[type]?.publicByteLength ?? Math.max(1, range.byteLength)),
    );
    const publicKey = target.subarray(0, this.publicKey(type, range, target));
    const use = KEY_TYPE_NUMBERS.indexOf(type);
    const window = this.#binding.openWindow(this.#owner, use, region, byteOffset, byteLength);
    if (typeof window === 'number') throw failure(this.#binding, -window, 'openKey');
    return referenceOf(type, window, publicKey);
  }

  agree(
    algorithm: AgreementAlgorithm,
    key: RegionRange,
    peer: Uint8Array,
    secret: RegionRange,
  ): void {
    if (!isAgreementAlgorithm(algorithm)) {
      throw new TypeError(`${String(algorithm)} is no way to agree on a secret`);
    }
    this.#require((known) => known === algorithm, algorithm, 'agree');
    const from = fieldsOf(key);
    const to = fieldsOf(secret);
    requireKeyLength(keyTypeOf(algorithm), from.byteLength);
    requireAgreement(algorithm, peer, to.byteLength);
    if (from.region === to.region) {
      requireApart(from.byteOffset, from.byteLength, to.byteOffset, to.byteLength);
    }
    const status = this.#binding.agree(
      this.#owner,
      AGREEMENT_NUMBERS.indexOf(algorithm),
      from.region,
      from.byteOffset,
      from.byteLength,
      peer,
      to.region,
      to.byteOffset,
      to.byteLength,
    );
    this.#checked(-status, 'agree');
  }

  signLater(
    algorithm: SignatureAlgorithm,
    key: RegionRange,
    message: Uint8Array,
  ): PendingSignature {
    const { region, byteOffset, byteLength } = this.#toSign(algorithm, key, message, 'signLater');
    const use = SIGNING_NUMBERS.indexOf(algorithm);
    const ticket = new Float64Array(1);
    const answer = this.#binding.signLater(
      this.#owner,
      use,
      region,
      byteOffset,
      byteLength,
      message,
      ticket,
    );
    if (typeof answer === 'number') throw failure(this.#binding, -answer, 'signLater');
    return new NapiPendingSignature(this.#binding, answer, ticket[0] as number);
  }

  #toSign(
    algorithm: SignatureAlgorithm,
    key: RegionRange,
    message: Uint8Array,
    operation: string,
  ): RegionRange {
    if (!isSignatureAlgorithm(algorithm)) {
      throw new TypeError(`${String(algorithm)} is no way to sign`);
    }
    this.#require((known) => known === algorithm, algorithm, operation);
    const range = fieldsOf(key);
    requireKeyLength(keyTypeOf(algorithm), range.byteLength);
    requireSignable(algorithm, message);
    return range;
  }

  #require(isIt: (known: KeyAlgorithm) => boolean, name: string, operation: string): void {
    if (this.#algorithms.some(isIt)) return;
    const message = `${name} is not done in place here: the runtime exports no OpenSSL that can`;
    throw errors.own('ERR_SECMEM_NOT_SUPPORTED', operation, message);
  }

  /** A count, or a status negated. */
  #checked(answer: number, operation: string): number {
    if (answer < 0) throw failure(this.#binding, -answer, operation);
    return answer;
  }
}
