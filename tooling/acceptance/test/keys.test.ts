import { constants, createHash, generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import {
  type Allocator,
  argon2,
  createAllocator,
  diffieHellman,
  type MemoryBackend,
  pbkdf2,
  publicKey,
  type Secret,
  type SignatureAlgorithm,
  scrypt,
  sign,
  signAsync,
} from '@securemem/core';
import { SIGNATURES } from '@securemem/core/contract';
import { repetitions } from '@securemem/proof';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBackend, unavailable } from '../src/backends.mjs';
import {
  AGREED,
  ARGON2,
  ED25519,
  NO_POINTS,
  PBKDF2,
  POINTS,
  SCRYPT,
  SMALL_ORDER,
} from '../src/key-vectors.js';
import { nodeOf, OTHERS } from '../src/nodes.js';
import { isSigned } from '../src/second-judge.js';
import { runTestsWith } from '../src/tests-elsewhere.js';

const bytesOf = (hex: string): Uint8Array<ArrayBuffer> => {
  const source = Buffer.from(hex, 'hex');
  const bytes = new Uint8Array(new ArrayBuffer(source.length));
  bytes.set(source);
  return bytes;
};

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const rsaDer = () =>
  bytesOf(rsa.privateKey.export({ format: 'der', type: 'pkcs1' }).toString('hex'));

const ALGORITHMS = Object.keys(SIGNATURES) as SignatureAlgorithm[];

function scalarOf(type: string): string {
  if (type === 'Ed25519') return ED25519[0].seed;
  return POINTS.find((point) => point.type === type)?.scalar ?? '';
}

/** What `node:crypto` needs to look at a signature of this kind. */
function optionsOf(algorithm: SignatureAlgorithm) {
  return algorithm.startsWith('PS')
    ? {
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      }
    : { dsaEncoding: 'ieee-p1363' as const };
}

describe.each(['koffi', 'napi', 'nolock'])('private keys where they lie, %s', (name) => {
  let backend: MemoryBackend;
  let memory: Allocator;
  /** Whether the backend does it, in place or because nothing is protected anyway. */
  const does = (algorithm: SignatureAlgorithm | string) =>
    backend.capabilities.keys.some((one) => one === algorithm) ||
    (name === 'nolock' && algorithm !== 'ES256K-R');

  beforeAll(() => {
    if (unavailable(name) !== undefined) return;
    backend = openBackend(name);
    memory = createAllocator({ backend, exitHooks: false });
  });
  beforeEach((context) => {
    const reason = unavailable(name);
    if (reason !== undefined) context.skip(`not proven: ${name} cannot open here: ${reason}`);
  });
  afterAll(async () => {
    await memory?.close();
    backend?.[Symbol.dispose]();
  });

  const keyOf = (algorithm: SignatureAlgorithm): Secret => {
    const { type } = SIGNATURES[algorithm];
    return memory.adoptSync(type === 'RSA' ? rsaDer() : bytesOf(scalarOf(type)));
  };

  it('K1 says in the receipt how a private key is used', () => {
    const { receipt } = memory.randomSync(32);
    expect(receipt.keys).toBe(name === 'nolock' ? 'node-crypto' : 'in-place');
    const says = receipt.weaknesses.some(({ field }) => field === 'keys');
    expect(says).toBe(name === 'nolock');
  });

  it.each(ED25519)('K1 signs as $name', ({ seed, message, signature, ...known }) => {
    const key = memory.adoptSync(bytesOf(seed));
    expect(sign('Ed25519', key, bytesOf(message)).toString('hex')).toBe(signature);
    const { x } = publicKey('Ed25519', key).export({ format: 'jwk' });
    expect(Buffer.from(x ?? '', 'base64url').toString('hex')).toBe(known.publicKey);
    key.dispose();
  });

  it.each(ALGORITHMS)(
    'K1 %s: what it signs node:crypto and a second library take for signed, or it refuses',
    (algorithm) => {
      const key = keyOf(algorithm);
      if (!does(algorithm)) {
        expect(() => sign(algorithm, key, 'data')).toThrow(
          expect.objectContaining({ code: 'ERR_SECMEM_NOT_SUPPORTED' }),
        );
        return;
      }
      const { type, digest } = SIGNATURES[algorithm];
      const given = publicKey(type, key);
      for (const length of [0, 1, 31, 64, 10_000]) {
        const message = randomBytes(length);
        const whole = sign(algorithm, key, [message.subarray(0, 7), message.subarray(7)]);
        const signature = algorithm === 'ES256K-R' ? whole.subarray(0, 64) : whole;
        const options = { key: given, ...optionsOf(algorithm) };
        expect(verify(digest, message, options, signature)).toBe(true);
        expect(isSigned(algorithm, given, message, signature)).toBe(true);
        signature[5] = Number(signature[5]) ^ 1;
        expect(verify(digest, message, options, signature)).toBe(false);
        expect(isSigned(algorithm, given, message, signature)).toBe(false);
      }
      key.dispose();
    },
  );

  it('K1 writes a signature of ECDSA in DER where it is asked to', () => {
    for (const algorithm of ['ES256', 'ES384', 'ES512', 'ES256K'] as const) {
      if (!does(algorithm)) continue;
      const key = keyOf(algorithm);
      const { type, digest } = SIGNATURES[algorithm];
      for (let round = 0; round < 20; round++) {
        const signature = sign(algorithm, key, 'data', { dsaEncoding: 'der' });
        expect(verify(digest, Buffer.from('data'), publicKey(type, key), signature)).toBe(true);
      }
      key.dispose();
    }
  });

  it('K1 signs a digest that somebody else made', () => {
    for (const algorithm of ALGORITHMS.filter((one) => backend.capabilities.keys.includes(one))) {
      const { type, digest } = SIGNATURES[algorithm];
      if (digest === undefined) continue;
      const key = keyOf(algorithm);
      const made = createHash(digest).update('data').digest();
      const whole = sign(algorithm, key, made, { prehashed: true });
      const signature = algorithm === 'ES256K-R' ? whole.subarray(0, 64) : whole;
      const options = { key: publicKey(type, key), ...optionsOf(algorithm) };
      expect(verify(digest, Buffer.from('data'), options, signature)).toBe(true);
      key.dispose();
    }
  });

  it('K1 signs 200 of RSA at once, and the event loop turns meanwhile', async () => {
    if (!does('RS256')) return;
    const key = keyOf('RS256');
    let turns = 0;
    const turning = setInterval(() => turns++, 0);
    const signatures = await Promise.all(
      Array.from({ length: 200 }, (_, index) => signAsync('RS256', key, `data ${index}`)),
    );
    clearInterval(turning);
    expect(turns).toBeGreaterThan(3);
    const given = publicKey('RSA', key);
    for (const [index, signature] of signatures.entries()) {
      expect(verify('sha256', Buffer.from(`data ${index}`), given, signature)).toBe(true);
    }
    key.dispose();
  });

  it.each(POINTS)('K2 calculates the public key of $type', ({ type, scalar, x, y }) => {
    const algorithm = `ECDH-${type}`;
    if (!does(algorithm)) return;
    const key = memory.adoptSync(bytesOf(scalar));
    const jwk = publicKey(type, key).export({ format: 'jwk' });
    const hex = (number: string | undefined) =>
      Buffer.from(number ?? '', 'base64url').toString('hex');
    expect([hex(jwk.x), hex(jwk.y)]).toEqual([x, y]);
    key.dispose();
  });

  it('K2 tells the public key of RSA', () => {
    if (!does('RS256')) return;
    const key = keyOf('RS256');
    expect(publicKey('RSA', key).equals(rsa.publicKey)).toBe(true);
    key.dispose();
  });

  it.each(AGREED)('K2 agrees as $name', async ({ algorithm, key: hex, peer, secret }) => {
    if (!does(algorithm)) return;
    const key = memory.adoptSync(bytesOf(hex));
    const agreed = await diffieHellman(algorithm, key, bytesOf(peer));
    expect(Buffer.from(agreed.exportCopy()).toString('hex')).toBe(secret);
    agreed.dispose();
    key.dispose();
  });

  it('K2 refuses what is no public key, and nothing is left of the attempt', async () => {
    const before = memory.stats().secrets;
    const attempts = [
      ...SMALL_ORDER.map((peer) => ['X25519', POINTS[0].scalar, peer] as const),
      ...NO_POINTS.map(([, peer]) => ['ECDH-P-256', POINTS[0].scalar, peer] as const),
    ].filter(([algorithm]) => does(algorithm));
    for (const [algorithm, scalar, peer] of attempts) {
      const key = memory.adoptSync(bytesOf(scalar));
      await expect(
        diffieHellman(algorithm, key, bytesOf(peer)),
        `${algorithm} ${peer}`,
      ).rejects.toMatchObject({
        code: 'ERR_SECMEM_PEER_INVALID',
      });
      key.dispose();
    }
    expect(memory.stats().secrets).toBe(before);
  });

  it('K1 refuses bytes that are no private key', () => {
    const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';
    const cases: [SignatureAlgorithm, Uint8Array<ArrayBuffer>][] = [
      ['ES256', bytesOf('00'.repeat(32))],
      ['ES256', bytesOf(order)],
      ['ES256', bytesOf('ff'.repeat(32))],
      ['RS256', bytesOf('00'.repeat(200))],
      ['RS256', rsaDer().slice(0, -1)],
      ['RS256', bytesOf(`${Buffer.from(rsaDer()).toString('hex')}00`)],
    ];
    for (const [algorithm, bytes] of cases.filter(([one]) => does(one))) {
      const key = memory.adoptSync(bytes);
      expect(() => sign(algorithm, key, 'data')).toThrow(
        expect.objectContaining({ code: 'ERR_SECMEM_KEY_INVALID' }),
      );
      key.dispose();
    }
  });

  it(`K3 derives as ${SCRYPT.name}, ${PBKDF2.name}, and as ${ARGON2.name}`, async () => {
    const hexOf = (secret: Secret) => Buffer.from(secret.exportCopy()).toString('hex');
    const of = ({
      password,
      salt,
      derived,
    }: { [name in 'password' | 'salt' | 'derived']: string }) => ({
      password: memory.adoptSync(bytesOf(Buffer.from(password).toString('hex'))),
      options: { byteLength: derived.length / 2, salt: Buffer.from(salt) },
    });
    const first = of(SCRYPT);
    const { cost, blockSize, parallelization } = SCRYPT;
    const byScrypt = { ...first.options, cost, blockSize, parallelization };
    expect(hexOf(await scrypt(first.password, byScrypt))).toBe(SCRYPT.derived);
    const second = of(PBKDF2);
    const byPbkdf2 = { ...second.options, iterations: PBKDF2.iterations };
    expect(hexOf(await pbkdf2('sha256', second.password, byPbkdf2))).toBe(PBKDF2.derived);
    const third = of(ARGON2);
    const { passes, memory: work, parallelism } = ARGON2;
    const byArgon2 = { ...third.options, passes, memory: work, parallelism };
    const last = await argon2('argon2id', third.password, byArgon2).then(
      hexOf,
      (error: { code?: string }) => error.code,
    );
    expect([ARGON2.derived, 'ERR_SECMEM_NOT_SUPPORTED']).toContain(last);
  });
});

/** Everything that is said of keys, by its files. */
const KEY_TESTS = [
  ...['keys', 'keys-in-flight', 'key-files', 'copies'].map(
    (name) => `tooling/acceptance/test/${name}.test.ts`,
  ),
  'packages/backend-koffi/test/keys.test.ts',
  ...['signatures', 'refusals', 'copies', 'later', 'blinding', 'stack'].map(
    (name) => `packages/backend-napi/test/keys/${name}.test.ts`,
  ),
];

// A release takes minutes, so only a full run has them.
if (repetitions(10) === 10) {
  describe('keys on the other releases', () => {
    it.for(OTHERS)(
      'K1 to K5 hold on Node %s: what is said of keys here is so there',
      { timeout: 1_800_000 },
      (release, context) => {
        const node = nodeOf(release);
        if ('missing' in node) return context.skip(`not proven: ${node.missing}`);
        const found = runTestsWith(node.program, KEY_TESTS);
        expect(found.failed).toEqual([]);
        expect(found.files).toBe(KEY_TESTS.length);
        expect(found.passed).toBeGreaterThan(100);
      },
    );
  });
}
