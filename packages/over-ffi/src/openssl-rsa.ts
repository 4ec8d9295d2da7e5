import {
  type AgreementAlgorithm,
  type DigestName,
  type KeyType,
  SIGNATURES,
  type SignatureAlgorithm,
} from '@securemem/core/contract';
import type { Address } from './address.js';
import type { CType, Ffi } from './ffi.js';
import { requireMade } from './openssl-made.js';
import type { KeyFamily, Refusal } from './private-keys.js';
import { RsaBlinding } from './rsa-blinding.js';
import type { Place } from './system.js';

/** What is called of OpenSSL for RSA. */
interface Rsa {
  read(into: null, at: BigUint64Array, byteLength: number): Address | null;
  free(key: Address): void;
  /** The length of the same key in DER, of which there is one form. Writes nothing. */
  measure(key: Address, to: null): number;
  bits(key: Address): number;
  byteLength(key: Address): number;
  version(key: Address): number;
  pad(
    key: Address,
    to: Place,
    digest: Place,
    hash: Address,
    maskHash: Address,
    saltByteLength: number,
  ): number;
  writePublic(key: Address, to: BigUint64Array | null): number;
  hashOf(name: string): Address | null;
}

/** DigestInfo of PKCS#1 up to the digest (RFC 8017, section 9.2, note 1). */
const DIGEST_INFO: Readonly<Record<DigestName, string>> = {
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
};

const SALT_AS_DIGEST = -1;
const MODULUS_BITS_MIN = 1024;
const MODULUS_BITS_MAX = 16_384;
const TWO_PRIMES = 0;

function bind(ffi: Ffi): Rsa {
  const runtime = ffi.library(null);
  const call = <F>(name: string, result: CType, ...parameters: CType[]) =>
    runtime.func<F>(name, result, parameters);
  const p = 'pointer';
  return {
    read: call('d2i_RSAPrivateKey', p, p, p, 'int64'),
    free: call('RSA_free', 'void', p),
    measure: call('i2d_RSAPrivateKey', 'int', p, p),
    bits: call('RSA_bits', 'int', p),
    byteLength: call('RSA_size', 'int', p),
    version: call('RSA_get_version', 'int', p),
    pad: call('RSA_padding_add_PKCS1_PSS_mgf1', 'int', p, p, p, p, p, 'int'),
    writePublic: call('i2d_RSAPublicKey', 'int', p, p),
    hashOf: call('EVP_get_digestbyname', p, 'text'),
  };
}

/**
 * RSA by the OpenSSL of the runtime, which reads the key from its page as it lies there, in DER. Every signature is verified
 * before it is given out: a key whose numbers do not belong together would give a wrong one, and with a wrong one its primes.
 */
export class OpensslRsa implements KeyFamily {
  readonly types = ['RSA'] as const;
  readonly #rsa: Rsa;
  readonly #blinding: RsaBlinding;
  readonly #ffi: Ffi;

  /** Throws where a function is missing. */
  constructor(ffi: Ffi) {
    this.#rsa = bind(ffi);
    this.#blinding = new RsaBlinding(ffi);
    this.#ffi = ffi;
  }

  sign(
    algorithm: SignatureAlgorithm,
    at: Address,
    keyByteLength: number,
    digest: Uint8Array,
    target: Uint8Array,
  ): number | Refusal {
    const hash = SIGNATURES[algorithm].digest as DigestName;
    return this.#withKey(at, keyByteLength, (key) => {
      const byteLength = this.#rsa.byteLength(key);
      if (target.length < byteLength) {
        throw new RangeError(`target must have at least ${byteLength} bytes for this key`);
      }
      const padded = algorithm.startsWith('PS')
        ? this.#padPss(key, hash, digest, byteLength)
        : padPkcs1(hash, digest, byteLength);
      const signed = padded !== undefined && this.#blinding.sign(key, padded, target);
      return signed ? byteLength : 'key';
    });
  }

  publicKey(
    _type: KeyType,
    at: Address,
    keyByteLength: number,
    target: Uint8Array,
  ): number | Refusal {
    const rsa = this.#rsa;
    return this.#withKey(at, keyByteLength, (key) => {
      const byteLength = rsa.writePublic(key, null);
      if (target.length < byteLength) {
        throw new RangeError(`target must have at least ${byteLength} bytes for this key`);
      }
      const written = rsa.writePublic(key, BigUint64Array.of(this.#ffi.address(target)));
      // Used after the call, so that the collector leaves the target alone until then.
      return Math.min(written, target.length);
    });
  }

  agree(
    _algorithm: AgreementAlgorithm,
    _key: Address,
    _peer: Uint8Array,
    _secret: Address,
    _secretByteLength: number,
  ): never {
    throw new TypeError('RSA agrees on nothing');
  }

  /** Undefined where the modulus is too small for this digest. */
  #padPss(
    key: Address,
    name: DigestName,
    digest: Uint8Array,
    byteLength: number,
  ): Uint8Array | undefined {
    const rsa = this.#rsa;
    const hash = requireMade(rsa.hashOf(name), 'EVP_get_digestbyname');
    const padded = new Uint8Array(new ArrayBuffer(byteLength));
    const done = rsa.pad(key, padded, digest, hash, hash, SALT_AS_DIGEST) === 1;
    return done ? padded : undefined;
  }

  #withKey(
    at: Address,
    byteLength: number,
    work: (key: Address) => number | Refusal,
  ): number | Refusal {
    const rsa = this.#rsa;
    const cursor = BigUint64Array.of(at);
    const key = rsa.read(null, cursor, byteLength);
    if (key === null) return 'key';
    try {
      const bits = rsa.bits(key);
      const valid =
        cursor[0] === at + BigInt(byteLength) &&
        rsa.measure(key, null) === byteLength &&
        rsa.version(key) === TWO_PRIMES &&
        bits >= MODULUS_BITS_MIN &&
        bits <= MODULUS_BITS_MAX;
      return valid ? work(key) : 'key';
    } finally {
      rsa.free(key);
    }
  }
}

/** 00 01 FF…FF 00, the DigestInfo, the digest. The smallest modulus has room for the longest. */
function padPkcs1(name: DigestName, digest: Uint8Array, byteLength: number): Uint8Array {
  const info = Buffer.from(DIGEST_INFO[name], 'hex');
  const padded = new Uint8Array(new ArrayBuffer(byteLength)).fill(0xff);
  const at = byteLength - info.length - digest.length;
  padded.set([0, 1]);
  padded[at - 1] = 0;
  padded.set(info, at);
  padded.set(digest, at + info.length);
  return padded;
}
