import { createHash, type KeyObject } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { type DigestName, SIGNATURES, type SignatureAlgorithm } from '@securemem/core/contract';
import { isPkcs1Signature, isPssSignature } from '@securemem/proof/rsa-by-hand';

const CURVES = { 'P-256': p256, 'P-384': p384, 'P-521': p521, secp256k1 } as const;

/** Whether a signature is one, by code that shares nothing with OpenSSL: @noble/curves, and RFC 8017 with whole numbers. */
export function isSigned(
  algorithm: SignatureAlgorithm,
  key: KeyObject,
  message: Uint8Array,
  signature: Buffer,
): boolean {
  const { type, digest } = SIGNATURES[algorithm];
  if (type === 'Ed25519') return ed25519.verify(signature, message, numberOf(key, 'x'));
  const name = digest as DigestName;
  const digested = createHash(name).update(message).digest();
  if (type === 'RSA') {
    const judge = algorithm.startsWith('PS') ? isPssSignature : isPkcs1Signature;
    return judge(key, name, digested, signature);
  }
  const point = Buffer.concat([Buffer.of(4), numberOf(key, 'x'), numberOf(key, 'y')]);
  const curve = CURVES[type as keyof typeof CURVES];
  // The backend that promises the lower s has tests of its own; OpenSSL gives either.
  return curve.verify(signature.subarray(0, point.length - 1), digested, point, {
    prehash: false,
    lowS: false,
  });
}

function numberOf(key: KeyObject, name: 'x' | 'y'): Buffer {
  return Buffer.from(key.export({ format: 'jwk' })[name] as string, 'base64url');
}
