import {
  AGREEMENTS,
  type AgreementAlgorithm,
  type BackendCapabilities,
  isAgreementAlgorithm,
  isKeyType,
  isSignatureAlgorithm,
  type KeyAlgorithm,
  type KeyReference,
  type KeyType,
  keyTypeOf,
  type PendingSignature,
  type RegionId,
  type RegionRange,
  requireAgreement,
  requireApart,
  requireKeyLength,
  requirePublicKeyTarget,
  requireRange,
  requireSignable,
  requireSignatureTarget,
  SecureMemoryError,
  SIGNATURES,
  type SignatureAlgorithm,
} from '../contract/index.js';
import { checkCipherArrays, rangeOf } from './fake-arguments.js';
import type { FakeOperation } from './fake-calls.js';
import { sealBytes, unsealBytes } from './fake-cipher.js';
import { disposedRegion, notSupported } from './fake-errors.js';
import { type FakeOutcome, fakePublicKey, fakeSecret, fakeSignature } from './fake-keys.js';
import type { FakeRegion } from './fake-region.js';

/** What the methods that take a key need of their backend. */
export interface FakeKeyedHost {
  readonly name: string;
  readonly capabilities: BackendCapabilities;
  begin(operation: FakeOperation): void;
  find(operation: FakeOperation, region: RegionId): FakeRegion;
}

/** A checked part of a live region. */
interface Part {
  readonly region: FakeRegion;
  readonly byteOffset: number;
  readonly bytes: Uint8Array;
}

const REFUSED = {
  key: ['ERR_SECMEM_KEY_INVALID', 'The bytes are no private key that can do this'],
  peer: ['ERR_SECMEM_PEER_INVALID', 'The public key of the other side is none of this kind'],
} as const;

/** The methods of the contract that take a key in its region. The fields of all ranges are read before the first look at one. */
export class FakeKeyed {
  readonly #host: FakeKeyedHost;
  #references = 0;

  constructor(host: FakeKeyedHost) {
    this.#host = host;
  }

  seal(
    key: RegionRange,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    plaintext: RegionRange,
    target: Uint8Array,
  ): void {
    this.#beginCipher('seal');
    const [keyPart, text] = this.#parts('seal', key, plaintext);
    requireCipherKey(keyPart);
    checkCipherArrays(nonce, associatedData, target, 'target', text.bytes.length);
    sealBytes(keyPart.bytes, nonce, associatedData, text.bytes, target);
  }

  unseal(
    key: RegionRange,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    source: Uint8Array,
    plaintext: RegionRange,
  ): void {
    this.#beginCipher('unseal');
    const [keyPart, text] = this.#parts('unseal', key, plaintext);
    requireCipherKey(keyPart);
    checkCipherArrays(nonce, associatedData, source, 'source', text.bytes.length);
    const opened = unsealBytes(keyPart.bytes, nonce, associatedData, source, text.bytes);
    text.region.publish(text.byteOffset, text.bytes.length);
    if (opened) return;
    throw new SecureMemoryError('ERR_SECMEM_UNSEAL_FAILED', 'The tag does not match', {
      operation: 'unseal',
      backend: this.#host.name,
    });
  }

  sign(
    algorithm: SignatureAlgorithm,
    key: RegionRange,
    message: Uint8Array,
    target: Uint8Array,
  ): number {
    this.#host.begin('sign');
    if (!isSignatureAlgorithm(algorithm)) throw new TypeError('algorithm must sign');
    this.#requireAble('sign', (name) => name === algorithm);
    const { bytes } = this.#part('sign', rangeOf(key));
    requireKeyLength(SIGNATURES[algorithm].type, bytes.length);
    requireSignable(algorithm, message);
    requireSignatureTarget(algorithm, target);
    return this.#fill('sign', target, fakeSignature(algorithm, bytes, message));
  }

  /** The key is read in a later turn; there is no other thread. What ended meanwhile is refused then, as it would be now. */
  signLater(
    algorithm: SignatureAlgorithm,
    key: RegionRange,
    message: Uint8Array,
  ): PendingSignature {
    this.#host.begin('signLater');
    if (!isSignatureAlgorithm(algorithm)) throw new TypeError('algorithm must sign');
    if (!this.#host.capabilities.keysLater.includes(algorithm)) {
      throw notSupported('signLater', this.#host.name, 'keys of this kind on another thread');
    }
    const range = rangeOf(key);
    const { bytes } = this.#part('signLater', range);
    requireKeyLength(SIGNATURES[algorithm].type, bytes.length);
    requireSignable(algorithm, message);
    const given = Uint8Array.from(message);
    let revoked = false;
    const signature = nextTurn().then(() => {
      if (revoked) throw disposedRegion('signLater', this.#host.name, range.region);
      const target = new Uint8Array(range.byteLength);
      const outcome = fakeSignature(algorithm, this.#part('signLater', range).bytes, given);
      return target.slice(0, this.#fill('signLater', target, outcome));
    });
    return {
      signature,
      revoke: () => {
        revoked = true;
      },
    };
  }

  publicKey(type: KeyType, key: RegionRange, target: Uint8Array): number {
    this.#host.begin('publicKey');
    if (!isKeyType(type)) throw new TypeError('type must be a family of keys');
    this.#requireAble('publicKey', (name) => keyTypeOf(name) === type);
    const { bytes } = this.#part('publicKey', rangeOf(key));
    requireKeyLength(type, bytes.length);
    requirePublicKeyTarget(type, target);
    return this.#fill('publicKey', target, fakePublicKey(type, bytes));
  }

  agree(
    algorithm: AgreementAlgorithm,
    key: RegionRange,
    peer: Uint8Array,
    secret: RegionRange,
  ): void {
    this.#host.begin('agree');
    if (!isAgreementAlgorithm(algorithm)) throw new TypeError('algorithm must agree on a secret');
    this.#requireAble('agree', (name) => name === algorithm);
    const [keyRange, secretRange] = [rangeOf(key), rangeOf(secret)];
    const [{ bytes }, to] = this.#parts('agree', keyRange, secretRange);
    requireKeyLength(AGREEMENTS[algorithm].type, bytes.length);
    requireAgreement(algorithm, peer, to.bytes.length);
    if (keyRange.region === secretRange.region) {
      requireApart(keyRange.byteOffset, bytes.length, secretRange.byteOffset, to.bytes.length);
    }
    const outcome = fakeSecret(algorithm, bytes, peer);
    to.bytes.fill(0);
    try {
      this.#fill('agree', to.bytes, outcome);
    } finally {
      to.region.publish(to.byteOffset, to.bytes.length);
    }
  }

  /** A name that no runtime knows. The log of calls says when it is closed. */
  openKey(key: RegionRange, type: KeyType): KeyReference {
    this.#host.begin('openKey');
    if (!isKeyType(type)) throw new TypeError('type must be a family of keys');
    if (this.#host.capabilities.keyReferences === 'none') {
      throw notSupported('openKey', this.#host.name, 'references of keys');
    }
    const { bytes } = this.#part('openKey', rangeOf(key));
    requireKeyLength(type, bytes.length);
    const publicKey = fakePublicKey(type, bytes);
    if (typeof publicKey === 'string') this.#fill('openKey', bytes, publicKey);
    this.#references++;
    const pem = `-----BEGIN FAKE KEY REFERENCE-----\n${this.#references}\n-----END FAKE KEY REFERENCE-----\n`;
    let open = true;
    return {
      pem,
      close: () => {
        if (open) this.#host.begin('closeKey');
        open = false;
      },
    };
  }

  #beginCipher(operation: 'seal' | 'unseal'): void {
    this.#host.begin(operation);
    if (this.#host.capabilities.cipher === 'none') {
      throw notSupported(operation, this.#host.name, 'cipher');
    }
  }

  #requireAble(operation: FakeOperation, fits: (name: KeyAlgorithm) => boolean): void {
    if (this.#host.capabilities.keys.some(fits)) return;
    throw notSupported(operation, this.#host.name, 'keys of this kind');
  }

  #parts(operation: FakeOperation, key: RegionRange, other: RegionRange): [Part, Part] {
    const [keyRange, otherRange] = [rangeOf(key), rangeOf(other)];
    return [this.#part(operation, keyRange), this.#part(operation, otherRange)];
  }

  #part(operation: FakeOperation, { region: id, byteOffset, byteLength }: RegionRange): Part {
    const region = this.#host.find(operation, id);
    requireRange(byteOffset, byteLength, region.byteLength);
    region.settle();
    const bytes = region.store.subarray(byteOffset, byteOffset + byteLength);
    return { region, byteOffset, bytes };
  }

  #fill(operation: FakeOperation, target: Uint8Array, outcome: FakeOutcome): number {
    if (typeof outcome === 'string') {
      const [code, message] = REFUSED[outcome];
      throw new SecureMemoryError(code, message, { operation, backend: this.#host.name });
    }
    if (outcome.length > target.length) {
      throw new RangeError(`target must have at least ${outcome.length} bytes for this key`);
    }
    target.set(outcome);
    return outcome.length;
  }
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

function requireCipherKey({ bytes }: Part): void {
  if (bytes.length !== 32) throw new RangeError('key must be a range of 32 bytes');
}
