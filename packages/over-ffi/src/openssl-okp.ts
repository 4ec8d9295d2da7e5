import type { AgreementAlgorithm, KeyType, SignatureAlgorithm } from '@securemem/core/contract';
import { type Address, offsetBy } from './address.js';
import type { CType, Ffi } from './ffi.js';
import { requireMade } from './openssl-made.js';
import type { KeyFamily, Refusal } from './private-keys.js';
import type { Place } from './system.js';

/** What is called of OpenSSL for Ed25519 and X25519. */
interface Okp {
  newContext(library: null, name: string, properties: null): Address | null;
  contextOf(key: Address, engine: null): Address | null;
  freeContext(context: Address | null): void;
  beginKey(context: Address): number;
  makeKey(context: Address, key: BigUint64Array, selection: number, from: BigUint64Array): number;
  publicOf(type: number, engine: null, at: Place, byteLength: number): Address | null;
  freeKey(key: Address | null): void;
  writePublic(key: Address, to: Place, byteLength: BigUint64Array): number;
  newSigner(): Address | null;
  freeSigner(signer: Address | null): void;
  beginSign(signer: Address, context: null, hash: null, engine: null, key: Address): number;
  sign(
    signer: Address,
    to: Place,
    toByteLength: BigUint64Array,
    from: Place,
    byteLength: number,
  ): number;
  beginAgree(context: Address): number;
  setPeer(context: Address, peer: Address): number;
  agree(context: Address, to: Address, byteLength: BigUint64Array): number;
}

type Name = 'Ed25519' | 'X25519';

/** The numbers by which OpenSSL knows the two (`obj_mac.h`). */
const X25519 = 1034;
/** `EVP_PKEY_KEYPAIR`: private part, public part and parameters. */
const KEY_PAIR = 0x87;
/** Of a seed, a scalar, a public key and a secret. */
const BYTE_LENGTH = 32;
const SIGNATURE_BYTE_LENGTH = 64;

/** A row of `OSSL_PARAM` in words: key, type, data, length, length that came back. */
const OCTETS = 5n;
const NOT_SET = 2n ** 64n - 1n;
const END = [0n, 0n, 0n, 0n, 0n] as const;

function bind(ffi: Ffi): Okp {
  const runtime = ffi.library(null);
  const call = <F>(name: string, result: CType, ...parameters: CType[]) =>
    runtime.func<F>(name, result, parameters);
  const p = 'pointer';
  return {
    newContext: call('EVP_PKEY_CTX_new_from_name', p, p, 'text', 'text'),
    contextOf: call('EVP_PKEY_CTX_new', p, p, p),
    freeContext: call('EVP_PKEY_CTX_free', 'void', p),
    beginKey: call('EVP_PKEY_fromdata_init', 'int', p),
    makeKey: call('EVP_PKEY_fromdata', 'int', p, p, 'int', p),
    publicOf: call('EVP_PKEY_new_raw_public_key', p, 'int', p, p, 'size'),
    freeKey: call('EVP_PKEY_free', 'void', p),
    writePublic: call('EVP_PKEY_get_raw_public_key', 'int', p, p, p),
    newSigner: call('EVP_MD_CTX_new', p),
    freeSigner: call('EVP_MD_CTX_free', 'void', p),
    beginSign: call('EVP_DigestSignInit', 'int', p, p, p, p, p),
    sign: call('EVP_DigestSign', 'int', p, p, p, p, 'size'),
    beginAgree: call('EVP_PKEY_derive_init', 'int', p),
    setPeer: call('EVP_PKEY_derive_set_peer', 'int', p, p),
    agree: call('EVP_PKEY_derive', 'int', p, p, p),
  };
}

/** A name as C has it, in memory that stays. */
function text(name: string): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(name.length + 1));
  bytes.set(Buffer.from(name, 'latin1'));
  return bytes;
}

/**
 * Ed25519 and X25519 by the OpenSSL of the runtime. The parameters of a key point into its page; what OpenSSL copies from
 * there it overwrites when the key is freed.
 */
export class OpensslOkp implements KeyFamily {
  readonly types = ['Ed25519', 'X25519'] as const;
  readonly #okp: Okp;
  readonly #ffi: Ffi;
  readonly #private = text('priv');
  readonly #public = text('pub');
  /** Stands for a public key that takes no part, which OpenSSL would calculate otherwise. */
  readonly #zeros = new Uint8Array(new ArrayBuffer(BYTE_LENGTH));
  /** The base point of Curve25519 (RFC 7748, section 4.1); as a key it is as good as any. */
  readonly #basePoint = new Uint8Array(new ArrayBuffer(BYTE_LENGTH)).fill(9, 0, 1);
  /** Takes the result that nobody needs. */
  readonly #unused = new Uint8Array(new ArrayBuffer(BYTE_LENGTH));

  /** Throws where a function is missing. */
  constructor(ffi: Ffi) {
    this.#okp = bind(ffi);
    this.#ffi = ffi;
  }

  sign(
    _algorithm: SignatureAlgorithm,
    key: Address,
    keyByteLength: number,
    message: Uint8Array,
    target: Uint8Array,
  ): number {
    const okp = this.#okp;
    const paired = keyByteLength === 2 * BYTE_LENGTH;
    const publicKey = paired ? offsetBy(key, BYTE_LENGTH) : undefined;
    return this.#withKey('Ed25519', key, publicKey, (made) => {
      const signer = okp.newSigner();
      try {
        const byteLength = BigUint64Array.of(BigInt(SIGNATURE_BYTE_LENGTH));
        const context = requireMade(signer, 'EVP_MD_CTX_new');
        const signed =
          okp.beginSign(context, null, null, null, made) === 1 &&
          okp.sign(context, target, byteLength, message, message.length) === 1;
        requireMade(signed || null, 'EVP_DigestSign');
        return SIGNATURE_BYTE_LENGTH;
      } finally {
        okp.freeSigner(signer);
      }
    });
  }

  publicKey(type: KeyType, key: Address, _keyByteLength: number, target: Uint8Array): number {
    return this.#withKey(type as Name, key, undefined, (made) => {
      const byteLength = BigUint64Array.of(BigInt(BYTE_LENGTH));
      const written = this.#okp.writePublic(made, target, byteLength) === 1;
      requireMade(written || null, 'EVP_PKEY_get_raw_public_key');
      return BYTE_LENGTH;
    });
  }

  /**
   * OpenSSL leaves the result of X25519 on the stack that it ran on. So a result that everybody knows is calculated after it, by
   * the same functions in the same frames.
   */
  agree(
    _algorithm: AgreementAlgorithm,
    key: Address,
    peer: Uint8Array,
    secret: Address,
    secretByteLength: number,
  ): number | Refusal {
    const agreed = this.#agree(key, peer, secret);
    const known = this.#basePoint;
    this.#agree(this.#ffi.address(known), known, this.#ffi.address(this.#unused));
    return agreed ? secretByteLength : 'peer';
  }

  #agree(key: Address, peer: Uint8Array, secret: Address): boolean {
    const okp = this.#okp;
    const unused = this.#ffi.address(this.#zeros);
    return this.#withKey('X25519', key, unused, (made) => {
      const other = okp.publicOf(X25519, null, peer, BYTE_LENGTH);
      const context = okp.contextOf(made, null);
      try {
        const byteLength = BigUint64Array.of(BigInt(BYTE_LENGTH));
        const agreeing = requireMade(context, 'EVP_PKEY_CTX_new');
        return (
          other !== null &&
          okp.beginAgree(agreeing) === 1 &&
          okp.setPeer(agreeing, other) === 1 &&
          okp.agree(agreeing, secret, byteLength) === 1
        );
      } finally {
        okp.freeContext(context);
        okp.freeKey(other);
      }
    });
  }

  /** A key for the length of one call; its public part is calculated where it is not given. */
  #withKey<T>(
    name: Name,
    key: Address,
    publicKey: Address | undefined,
    work: (made: Address) => T,
  ): T {
    const okp = this.#okp;
    const made = new BigUint64Array(1);
    const context = okp.newContext(null, name, null);
    try {
      const making = requireMade(context, 'EVP_PKEY_CTX_new_from_name');
      const rows = BigUint64Array.from([
        ...this.#row(this.#private, key),
        ...(publicKey === undefined ? [] : this.#row(this.#public, publicKey)),
        ...END,
      ]);
      const done = okp.beginKey(making) === 1 && okp.makeKey(making, made, KEY_PAIR, rows) === 1;
      requireMade(done || null, 'EVP_PKEY_fromdata');
      return work(made[0] as Address);
    } finally {
      okp.freeKey(made[0] === 0n ? null : (made[0] as Address));
      okp.freeContext(context);
    }
  }

  #row(name: Uint8Array, at: Address): readonly bigint[] {
    return [this.#ffi.address(name), OCTETS, at, BigInt(BYTE_LENGTH), NOT_SET];
  }
}
