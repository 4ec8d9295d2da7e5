import { createHmac, randomBytes } from 'node:crypto';

/** A curve y² = x³ + ax + b over a field of p elements, with a generator (x, y) of prime order n. */
interface Curve {
  readonly p: bigint;
  readonly a: bigint;
  readonly b: bigint;
  readonly n: bigint;
  readonly x: bigint;
  readonly y: bigint;
}

/** FIPS 186-4, appendix D.1.2, and SEC 2, section 2.4.1. */
const CURVES: Readonly<Record<'P-256' | 'P-384' | 'P-521' | 'secp256k1', Curve>> = {
  'P-256': {
    p: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
    a: -3n,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
    n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    x: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
    y: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
  },
  'P-384': {
    p: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    a: -3n,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
    n: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    x: 0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7n,
    y: 0x3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5fn,
  },
  'P-521': {
    p: 2n ** 521n - 1n,
    a: -3n,
    b: 0x051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00n,
    n: 0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
    x: 0xc6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66n,
    y: 0x11839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650n,
  },
  secp256k1: {
    p: 2n ** 256n - 2n ** 32n - 977n,
    a: 0n,
    b: 7n,
    n: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
    x: 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
    y: 0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
  },
};

/** A curve by its name. */
export type CurveName = keyof typeof CURVES;

/** A point, or undefined for the one at infinity. */
type Point = { readonly x: bigint; readonly y: bigint } | undefined;

const mod = (value: bigint, m: bigint): bigint => ((value % m) + m) % m;

function inverse(value: bigint, m: bigint): bigint {
  let [a, b, x, y] = [mod(value, m), m, 1n, 0n];
  while (a > 1n) [a, b, x, y] = [b % a, a, y - (b / a) * x, x];
  return mod(x, m);
}

function add(curve: Curve, left: Point, right: Point): Point {
  if (left === undefined || right === undefined) return left ?? right;
  const { p, a } = curve;
  const same = left.x === right.x;
  if (same && mod(left.y + right.y, p) === 0n) return undefined;
  const slope = same
    ? (3n * left.x * left.x + a) * inverse(2n * left.y, p)
    : (right.y - left.y) * inverse(right.x - left.x, p);
  const x = mod(slope * slope - left.x - right.x, p);
  return { x, y: mod(slope * (left.x - x) - left.y, p) };
}

function multiply(curve: Curve, point: Point, scalar: bigint): Point {
  let [sum, power, left]: [Point, Point, bigint] = [undefined, point, scalar];
  for (; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) sum = add(curve, sum, power);
    power = add(curve, power, power);
  }
  return sum;
}

const numberOf = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);

const bytesOf = (number: bigint, width: number): Buffer =>
  Buffer.from(number.toString(16).padStart(2 * width, '0'), 'hex');

/** The scalar, or undefined where the bytes are none: 0, or not below the order. */
export function scalarOf(name: CurveName, bytes: Uint8Array): bigint | undefined {
  const scalar = numberOf(bytes);
  return scalar > 0n && scalar < CURVES[name].n ? scalar : undefined;
}

/** The public key as an uncompressed point. */
export function publicPoint(name: CurveName, scalar: bigint, width: number): Uint8Array {
  const curve = CURVES[name];
  const point = multiply(curve, curve, scalar) as Exclude<Point, undefined>;
  return Buffer.concat([Buffer.of(4), bytesOf(point.x, width), bytesOf(point.y, width)]);
}

/** The x of the shared point, or undefined where `peer` is no point of the curve. */
export function sharedX(
  name: CurveName,
  scalar: bigint,
  peer: Uint8Array,
  width: number,
): Uint8Array | undefined {
  const curve = CURVES[name];
  const [x, y] = [numberOf(peer.subarray(1, 1 + width)), numberOf(peer.subarray(1 + width))];
  const { p, a, b } = curve;
  const lies = x < p && y < p && mod(y * y - (x * x * x + a * x + b), p) === 0n;
  if (peer[0] !== 4 || !lies) return undefined;
  return bytesOf((multiply(curve, { x, y }, scalar) as Exclude<Point, undefined>).x, width);
}

/** r and s, then the recovery id. Random, or by RFC 6979 with SHA-256 and the lower s where it is to be recovered from. */
export function signDigest(
  name: CurveName,
  scalar: bigint,
  digest: Uint8Array,
  width: number,
  recoverable: boolean,
): Uint8Array {
  const curve = CURVES[name];
  const { n } = curve;
  const bits = n.toString(2).length;
  const excess = BigInt(Math.max(0, 8 * digest.length - bits));
  const z = numberOf(digest) >> excess;
  for (const k of recoverable ? deterministic(scalar, z, n, width) : random(n, width)) {
    const point = multiply(curve, curve, k) as Exclude<Point, undefined>;
    const r = mod(point.x, n);
    const s = mod(inverse(k, n) * (z + r * scalar), n);
    if (r === 0n || s === 0n) continue;
    const high = recoverable && s > n / 2n;
    const id = (Number(point.y & 1n) ^ (high ? 1 : 0)) | (point.x >= n ? 2 : 0);
    return Buffer.concat([bytesOf(r, width), bytesOf(high ? n - s : s, width), Buffer.of(id)]);
  }
  throw new Error('no nonce was left');
}

function* random(n: bigint, width: number): Generator<bigint> {
  for (;;) yield mod(numberOf(randomBytes(width + 8)), n - 1n) + 1n;
}

/** RFC 6979, section 3.2, for an order as wide as SHA-256. */
function* deterministic(scalar: bigint, z: bigint, n: bigint, width: number): Generator<bigint> {
  const seed = Buffer.concat([bytesOf(scalar, width), bytesOf(mod(z, n), width)]);
  let [key, value] = [Buffer.alloc(32), Buffer.alloc(32, 1)];
  const mac = (...parts: Uint8Array[]) =>
    createHmac('sha256', key).update(Buffer.concat(parts)).digest();
  for (const round of [0, 1]) {
    key = mac(value, Buffer.of(round), seed);
    value = mac(value);
  }
  for (;;) {
    value = mac(value);
    const k = numberOf(value);
    if (k > 0n && k < n) yield k;
    key = mac(value, Buffer.of(0));
    value = mac(value);
  }
}
