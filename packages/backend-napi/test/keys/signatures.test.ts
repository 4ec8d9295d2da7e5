import {
  constants,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  verify,
} from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { SIGNATURES } from '@securemem/core/contract';
import { repetitions } from '@securemem/proof';
import { isPkcs1Signature, isPssSignature } from '@securemem/proof/rsa-by-hand';
import { describe, expect, it } from 'vitest';
import { bytesOf, hex, KeyPage } from './key-page.js';
import { ED25519, RS256, SECP256K1 } from './vectors.js';

const digestOf = (hash: string, message: Uint8Array): Buffer =>
  createHash(hash).update(message).digest();
const pkcs1 = (key: KeyObject): Buffer => key.export({ type: 'pkcs1', format: 'der' });

describe('K1 signatures with a key in a page', () => {
  it.for(ED25519)('K1 Ed25519 gives the answers of RFC 8032: $signature', (vector) => {
    using page = new KeyPage().put(hex(vector.key));
    expect(page.publicKey('Ed25519').toString('hex')).toBe(vector.publicKey);
    expect(page.sign('Ed25519', hex(vector.message)).toString('hex')).toBe(vector.signature);
    using pair = new KeyPage().put(hex(vector.key + vector.publicKey));
    expect(pair.sign('Ed25519', hex(vector.message)).toString('hex')).toBe(vector.signature);
    expect(pair.publicKey('Ed25519').toString('hex')).toBe(vector.publicKey);
  });

  it.for(SECP256K1)('K1 ES256K is RFC 6979 with the lower s: $message', (vector) => {
    const digest = digestOf('sha256', Buffer.from(vector.message));
    using page = new KeyPage().put(hex(vector.key));
    expect(page.sign('ES256K', digest).toString('hex')).toBe(vector.signature);
    const recoverable = page.sign('ES256K-R', digest);
    expect(recoverable.subarray(0, 64).toString('hex')).toBe(vector.signature);
    const signature = secp256k1.Signature.fromBytes(recoverable.subarray(0, 64)).addRecoveryBit(
      recoverable[64] as number,
    );
    expect(Buffer.from(signature.recoverPublicKey(digest).toBytes(false))).toEqual(
      page.publicKey('secp256k1'),
    );
  });

  it('K1 RS256 gives the answer of RFC 7515, A.2', () => {
    const key = createPrivateKey({ key: RS256.jwk, format: 'jwk' });
    using page = new KeyPage().put(pkcs1(key));
    const digest = digestOf('sha256', Buffer.from(RS256.input));
    expect(page.sign('RS256', digest).toString('base64url')).toBe(RS256.signature);
    expect(page.publicKey('RSA')).toEqual(
      createPublicKey(key).export({ type: 'pkcs1', format: 'der' }),
    );
  });

  it('K1 Ed25519: random keys and messages of every length verify with node:crypto and @noble/curves', () => {
    for (let round = 0; round < repetitions(300); round += 1) {
      const { privateKey, publicKey } = generateKeyPairSync('ed25519');
      const seed = Buffer.from(privateKey.export({ format: 'jwk' }).d as string, 'base64url');
      const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x as string, 'base64url');
      const message = randomBytes(round * 7);
      using page = new KeyPage().put(round % 2 === 0 ? seed : Buffer.concat([seed, raw]));
      const signature = page.sign('Ed25519', message);
      expect(verify(null, message, publicKey, signature)).toBe(true);
      expect(ed25519.verify(signature, message, raw)).toBe(true);
    }
  });

  const CURVES = [
    ['ES256', 'P-256', 'prime256v1', p256],
    ['ES384', 'P-384', 'secp384r1', p384],
    ['ES512', 'P-521', 'secp521r1', p521],
    ['ES256K', 'secp256k1', 'secp256k1', secp256k1],
  ] as const;

  it.for(CURVES)(
    'K1 %s: random keys verify with node:crypto and @noble/curves',
    ([algorithm, type, namedCurve, curve]) => {
      const hash = SIGNATURES[algorithm].digest;
      for (let round = 0; round < repetitions(300); round += 1) {
        const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
        const scalar = Buffer.from(privateKey.export({ format: 'jwk' }).d as string, 'base64url');
        const message = randomBytes(round);
        using page = new KeyPage().put(scalar);
        const digest = digestOf(hash, message);
        const signature = page.sign(algorithm, digest);
        const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
        expect(verify(hash, message, key, signature)).toBe(true);
        const point = page.publicKey(type);
        expect(
          curve.verify(signature, digest, point, { prehash: false, lowS: type === 'secp256k1' }),
        ).toBe(true);
        expect(Buffer.from(curve.getPublicKey(scalar, false))).toEqual(point);
      }
    },
  );

  // A key of 4,096 bits takes up to ten seconds to make.
  it.for([1024, 1031, 2048, 3072, ...(repetitions(10) === 10 ? [4096] : [])])(
    'K1 RSA of %i bits verifies with node:crypto and by hand, on this thread and on one of the pool',
    { timeout: 120_000 },
    async (modulusLength) => {
      const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength });
      using page = new KeyPage().put(pkcs1(privateKey));
      for (const algorithm of ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const) {
        // emLen of EMSA-PSS is too short for a digest and a salt of 64 bytes.
        if (algorithm === 'PS512' && modulusLength < 1040) continue;
        const hash = SIGNATURES[algorithm].digest;
        const message = randomBytes(100);
        const digest = digestOf(hash, message);
        const isPss = algorithm.startsWith('PS');
        const key = isPss
          ? { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: digest.length }
          : { key: publicKey };
        for (const signature of [
          page.sign(algorithm, digest),
          await page.signLater(algorithm, digest),
        ]) {
          expect(signature.length).toBe(Math.ceil(modulusLength / 8));
          expect(verify(hash, message, key, signature)).toBe(true);
          const byHand = isPss ? isPssSignature : isPkcs1Signature;
          expect(byHand(publicKey, hash, digest, signature)).toBe(true);
        }
      }
      expect(page.publicKey('RSA')).toEqual(publicKey.export({ type: 'pkcs1', format: 'der' }));
    },
  );

  it('K1 the region keeps its protection, whatever it is, and its bytes', () => {
    const key = hex(SECP256K1[0].key);
    for (const protection of ['no-access', 'read-only', 'read-write'] as const) {
      using page = new KeyPage().put(key, 100, protection);
      page.sign('ES256K', randomBytes(32));
      page.sign('Ed25519', randomBytes(3));
      page.publicKey('P-256');
      expect(page.backend.inspect([page.region])[0]).toMatchObject({ protection });
      const found = bytesOf(new Uint8Array(34));
      page.backend.read(page.region, 99, found);
      expect(found).toEqual(bytesOf([0, ...key, 0]));
    }
  });

  it('K1 a signature written over its own message is the one of the message as it was', () => {
    const [{ key, publicKey }] = ED25519;
    for (const [algorithm, byteLength, private_] of [
      ['Ed25519', 64, hex(key + publicKey)],
      ['ES256K', 64, hex(SECP256K1[0].key)],
    ] as const) {
      using page = new KeyPage().put(private_);
      const memory = bytesOf(randomBytes(64));
      const message = memory.subarray(0, algorithm === 'Ed25519' ? 64 : 32);
      const expected = page.sign(algorithm, message);
      page.backend.sign(algorithm, page.key, message, memory.subarray(0, byteLength));
      expect(Buffer.from(memory.subarray(0, byteLength))).toEqual(expected);
    }
  });

  it('K1 K2 nothing that fails leaves an error for node:crypto to find', () => {
    using page = new KeyPage().put(hex(SECP256K1[3].key));
    expect(() => page.agree('ECDH-P-256', Buffer.alloc(65, 4))).toThrow(
      expect.objectContaining({ code: 'ERR_SECMEM_PEER_INVALID' }),
    );
    // Whatever fails next is named after the first error in the queue of the thread.
    const decipher = createDecipheriv('aes-128-cbc', Buffer.alloc(16), Buffer.alloc(16));
    decipher.update(Buffer.alloc(32));
    expect(() => decipher.final()).toThrow(
      expect.objectContaining({ code: 'ERR_OSSL_BAD_DECRYPT' }),
    );
  });
});
