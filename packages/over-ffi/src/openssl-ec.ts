import {
  type AgreementAlgorithm,
  KEY_TYPES,
  type KeyType,
  SIGNATURES,
  type SignatureAlgorithm,
} from '@securemem/core/contract';
import type { Address } from './address.js';
import type { CType, Ffi } from './ffi.js';
import { requireMade } from './openssl-made.js';
import type { KeyFamily, Refusal } from './private-keys.js';
import type { Place } from './system.js';

/** What is called of OpenSSL for keys of curves. */
interface Ec {
  newKey(curve: number): Address | null;
  freeKey(key: Address | null): void;
  groupOf(key: Address): Address;
  orderOf(group: Address): Address;
  setPrivate(key: Address, scalar: Address): number;
  numberOf(at: Address, byteLength: number, into: null): Address | null;
  freeNumber(number: Address | null): void;
  compare(a: Address, b: Address): number;
  isZero(number: Address): number;
  write(number: Address, to: Place, byteLength: number): number;
  sign(digest: Place, byteLength: number, key: Address): Address | null;
  rOf(signature: Address): Address;
  sOf(signature: Address): Address;
  freeSignature(signature: Address): void;
  newPoint(group: Address): Address | null;
  freePoint(point: Address | null): void;
  multiply(
    group: Address,
    point: Address,
    scalar: Address,
    q: null,
    m: null,
    context: null,
  ): number;
  pointOf(group: Address, point: Address, at: Place, byteLength: number, context: null): number;
  bytesOf(
    group: Address,
    point: Address,
    form: number,
    to: Place,
    byteLength: number,
    context: null,
  ): number;
  isInfinity(group: Address, point: Address): number;
  agree(to: Address, byteLength: number, point: Address, key: Address, kdf: null): number;
}

/** The numbers by which OpenSSL knows the curves (`obj_mac.h`). */
const CURVES = { 'P-256': 415, 'P-384': 715, 'P-521': 716, secp256k1: 714 } as const;
type Curve = keyof typeof CURVES;

const UNCOMPRESSED = 4;

function bind(ffi: Ffi): Ec {
  const runtime = ffi.library(null);
  const call = <F>(name: string, result: CType, ...parameters: CType[]) =>
    runtime.func<F>(name, result, parameters);
  const p = 'pointer';
  return {
    newKey: call('EC_KEY_new_by_curve_name', p, 'int'),
    freeKey: call('EC_KEY_free', 'void', p),
    groupOf: call('EC_KEY_get0_group', p, p),
    orderOf: call('EC_GROUP_get0_order', p, p),
    setPrivate: call('EC_KEY_set_private_key', 'int', p, p),
    numberOf: call('BN_bin2bn', p, p, 'int', p),
    freeNumber: call('BN_clear_free', 'void', p),
    compare: call('BN_cmp', 'int', p, p),
    isZero: call('BN_is_zero', 'int', p),
    write: call('BN_bn2binpad', 'int', p, p, 'int'),
    sign: call('ECDSA_do_sign', p, p, 'int', p),
    rOf: call('ECDSA_SIG_get0_r', p, p),
    sOf: call('ECDSA_SIG_get0_s', p, p),
    freeSignature: call('ECDSA_SIG_free', 'void', p),
    newPoint: call('EC_POINT_new', p, p),
    freePoint: call('EC_POINT_clear_free', 'void', p),
    multiply: call('EC_POINT_mul', 'int', p, p, p, p, p, p),
    pointOf: call('EC_POINT_oct2point', 'int', p, p, p, 'size', p),
    bytesOf: call('EC_POINT_point2oct', 'size', p, p, 'int', p, 'size', p),
    isInfinity: call('EC_POINT_is_at_infinity', 'int', p, p),
    agree: call('ECDH_compute_key', 'int', p, 'size', p, p, p),
  };
}

/** A key that OpenSSL made of a scalar in a page, for the length of one call. */
interface Keyed {
  readonly key: Address;
  readonly group: Address;
  readonly scalar: Address;
}

/**
 * Keys of curves by the OpenSSL of the runtime. A scalar lies in its page as every format has it, big-endian; `BN_bin2bn`
 * reads it there, so no copy in another order is made first, as the parameters of `EVP_PKEY_fromdata` would need. What
 * OpenSSL holds of it during a call is overwritten when the key and the number are freed.
 */
export class OpensslEc implements KeyFamily {
  readonly types = Object.keys(CURVES) as Curve[];
  readonly #ec: Ec;

  /** Throws where a function is missing. */
  constructor(ffi: Ffi) {
    this.#ec = bind(ffi);
  }

  sign(
    algorithm: SignatureAlgorithm,
    key: Address,
    keyByteLength: number,
    digest: Uint8Array,
    target: Uint8Array,
  ): number | Refusal {
    const ec = this.#ec;
    const { type } = SIGNATURES[algorithm];
    return this.#withKey(type as Curve, key, keyByteLength, (keyed) => {
      const signature = requireMade(ec.sign(digest, digest.length, keyed.key), 'ECDSA_do_sign');
      ec.write(ec.rOf(signature), target, keyByteLength);
      ec.write(ec.sOf(signature), target.subarray(keyByteLength), keyByteLength);
      ec.freeSignature(signature);
      return 2 * keyByteLength;
    });
  }

  publicKey(
    type: KeyType,
    key: Address,
    keyByteLength: number,
    target: Uint8Array,
  ): number | Refusal {
    const ec = this.#ec;
    const byteLength = KEY_TYPES[type as Curve].publicByteLength;
    return this.#withKey(type as Curve, key, keyByteLength, ({ group, scalar }) =>
      this.#withPoint(group, (point) => {
        const written =
          ec.multiply(group, point, scalar, null, null, null) === 1 &&
          ec.bytesOf(group, point, UNCOMPRESSED, target, byteLength, null) === byteLength;
        requireMade(written || null, 'EC_POINT_mul');
        return byteLength;
      }),
    );
  }

  agree(
    algorithm: AgreementAlgorithm,
    key: Address,
    peer: Uint8Array,
    secret: Address,
    secretByteLength: number,
  ): number | Refusal {
    const ec = this.#ec;
    const curve = algorithm.slice('ECDH-'.length) as Curve;
    return this.#withKey(curve, key, secretByteLength, (keyed) =>
      this.#withPoint(keyed.group, (point) => {
        const { group } = keyed;
        const valid =
          peer[0] === UNCOMPRESSED &&
          ec.pointOf(group, point, peer, peer.length, null) === 1 &&
          ec.isInfinity(group, point) === 0;
        if (!valid) return 'peer';
        const byteLength = ec.agree(secret, secretByteLength, point, keyed.key, null);
        return byteLength === secretByteLength ? byteLength : 'peer';
      }),
    );
  }

  #withKey(
    curve: Curve,
    at: Address,
    byteLength: number,
    work: (keyed: Keyed) => number | Refusal,
  ): number | Refusal {
    const ec = this.#ec;
    const made = ec.newKey(CURVES[curve]);
    const number = ec.numberOf(at, byteLength, null);
    try {
      const key = requireMade(made, 'EC_KEY_new_by_curve_name');
      const scalar = requireMade(number, 'BN_bin2bn');
      const group = ec.groupOf(key);
      const valid =
        ec.isZero(scalar) === 0 &&
        ec.compare(scalar, ec.orderOf(group)) < 0 &&
        ec.setPrivate(key, scalar) === 1;
      return valid ? work({ key, group, scalar }) : 'key';
    } finally {
      ec.freeNumber(number);
      ec.freeKey(made);
    }
  }

  #withPoint<T>(group: Address, work: (point: Address) => T): T {
    const made = this.#ec.newPoint(group);
    try {
      return work(requireMade(made, 'EC_POINT_new'));
    } finally {
      this.#ec.freePoint(made);
    }
  }
}
