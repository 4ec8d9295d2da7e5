import {
  lengthOf,
  type OctetCurve,
  type PublicClaim,
  type ScalarCurve,
  type Span,
} from './found-key.js';
import { keyRefused } from './key-refused.js';

/** Bytes of a private and a public key of these curves. */
export const OCTET_BYTE_LENGTH = 32;

/** The order of each group, big-endian (SEC 2, sections 2.4.1, 2.4.2, 2.5.1 and 2.6.1): as wide as the field of its points, too. */
const ORDERS: Readonly<Record<ScalarCurve, Uint8Array>> = {
  'P-256': number('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'),
  'P-384': number(
    'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
  ),
  'P-521': number(
    `01ff${'ff'.repeat(31)}fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409`,
  ),
  secp256k1: number('fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'),
};

export const isOctetCurve = (name: unknown): name is OctetCurve =>
  name === 'Ed25519' || name === 'X25519';

export const isScalarCurve = (name: unknown): name is ScalarCurve =>
  typeof name === 'string' && Object.hasOwn(ORDERS, name);

/** How wide numbers of this curve are, in bytes. */
export const widthOf = (curve: ScalarCurve): number => ORDERS[curve].length;

/** Throws unless it is a number of the curve, as wide as the curve and from 1 to the order less 1. How long it takes tells nothing. */
export function checkScalar(bytes: Uint8Array, curve: ScalarCurve, scalar: Span): void {
  const order = ORDERS[curve];
  const { start } = scalar;
  if (lengthOf(scalar) !== order.length) {
    throw keyRefused('value', `the private key has not the ${order.length} bytes of its curve`, {
      byteOffset: start,
    });
  }
  let borrow = 0;
  let any = 0;
  for (let i = order.length - 1; i >= 0; i--) {
    const byte = bytes[start + i] as number;
    any |= byte;
    borrow = ((byte - (order[i] as number) - borrow) >> 8) & 1;
  }
  if (borrow === 0 || any === 0) {
    throw keyRefused('value', 'the private key is zero or not below the order of its curve', {
      byteOffset: start,
    });
  }
}

/** The point of SEC 1, section 2.3.3, in its compressed form or in full. The hybrid form is refused. */
export function pointClaim(bytes: Uint8Array, curve: ScalarCurve, point: Span): PublicClaim {
  const width = widthOf(curve);
  const { start } = point;
  const form = bytes[start];
  const length = lengthOf(point);
  const x = { start: start + 1, end: start + 1 + width };
  if (form === 4 && length === 1 + 2 * width) return { x, y: { start: x.end, end: x.end + width } };
  if ((form === 2 || form === 3) && length === 1 + width) return { x, y: form === 3 ? 1 : 0 };
  throw keyRefused('syntax', 'the public key is no point of its curve', { byteOffset: start });
}

function number(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}
