import {
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  diffieHellman as nodeDiffieHellman,
  verify,
} from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { diffieHellman, type Secret, sign } from '../../src/index.js';
import { open } from '../fixture.js';
import { pass, taken } from './doors.js';
import { bytesOf, pemOf, privatePartOf, sampleOf, TYPES } from './samples.js';
import {
  RFC7517,
  RFC7914,
  RFC8037,
  RFC8410_PRIVATE,
  RFC8410_PUBLIC,
  RFC8410_V1,
  RFC8410_V2,
} from './vectors.js';

const spki = (key: KeyObject): Buffer => key.export({ format: 'der', type: 'spki' });

/** Every form that Node writes a key in, with the door that takes it. */
function* forms(key: KeyObject) {
  const isCurve = key.asymmetricKeyType === 'ec';
  const isRsa = key.asymmetricKeyType === 'rsa';
  const structures = ['pkcs8', ...(isCurve ? ['sec1'] : []), ...(isRsa ? ['pkcs1'] : [])] as const;
  for (const structure of structures) {
    const type = structure as 'pkcs8';
    yield ['fromPem', key.export({ format: 'pem', type }) as string] as const;
    yield ['fromDer', key.export({ format: 'der', type })] as const;
  }
  yield ['fromJwk', JSON.stringify(key.export({ format: 'jwk' }))] as const;
}

describe('K4 key files', () => {
  it.each(TYPES)('K4 takes a key of %s in every form that node:crypto writes', async (type) => {
    const { memory } = open();
    const { key } = sampleOf(type);
    let count = 0;
    for (const [door, file] of forms(key)) {
      const found = await taken(memory, door, file);
      expect(found.type).toBe(type);
      expect(found.privatePart.equals(privatePartOf(key))).toBe(true);
      expect(found.publicKey.type).toBe('public');
      expect(spki(found.publicKey).equals(spki(createPublicKey(key)))).toBe(true);
      count++;
    }
    expect(count).toBeGreaterThanOrEqual(3);
  });

  it.each([2056, 3072])('K4 takes an RSA key of %d bits', async (modulusLength) => {
    const { memory } = open();
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength });
    for (const [door, file] of forms(privateKey)) {
      expect((await taken(memory, door, file)).privatePart.equals(privatePartOf(privateKey))).toBe(
        true,
      );
    }
  });

  it('K4 takes the keys of RFC 8410, with a public key and an attribute and without', async () => {
    const { memory } = open();
    for (const file of [
      RFC8410_V1,
      RFC8410_V2,
      RFC8410_V1.replaceAll('\n', '\r\n'),
      RFC8410_V1.trimEnd(),
      `\n\r\n${RFC8410_V1} \t\n`,
    ]) {
      const { type, privatePart } = await taken(memory, 'fromPem', file);
      expect([type, privatePart.toString('hex')]).toEqual([
        'Ed25519',
        RFC8410_PRIVATE + RFC8410_PUBLIC,
      ]);
    }
  });

  it('K4 takes the keys of RFC 8037 and RFC 7517, also out of a set', async () => {
    const { memory } = open();
    const hex = (text: string): string => Buffer.from(text, 'base64url').toString('hex');
    const edwards = await taken(memory, 'fromJwk', JSON.stringify(RFC8037));
    expect(edwards.privatePart.toString('hex')).toBe(hex(RFC8037.d) + hex(RFC8037.x));
    for (const [index, jwk] of RFC7517.keys.entries()) {
      const alone = await taken(memory, 'fromJwk', JSON.stringify(jwk));
      const inSet = await taken(memory, 'fromJwk', JSON.stringify(RFC7517, undefined, 2), {
        pointer: `/keys/${index}`,
      });
      expect(inSet.privatePart.equals(alone.privatePart)).toBe(true);
      const { d, n, x } = alone.publicKey.export({ format: 'jwk' });
      expect([d, n ?? x]).toEqual([undefined, jwk.n ?? jwk.x]);
    }
  });

  it('K4 reads members of a JWK however they are written', async () => {
    const { memory } = open();
    const escaped = JSON.stringify(RFC8037).replace(
      /[A-Za-z0-9_-](?=[^"]*"[,}])/g,
      (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    const found = await taken(memory, 'fromJwk', escaped);
    expect(found.privatePart.subarray(0, 32).toString('base64url')).toBe(RFC8037.d);
  });
});

describe('K4 what comes out of a key file', () => {
  it.each([
    ['Ed25519', 'Ed25519', null],
    ['P-256', 'ES256', 'sha256'],
    ['P-384', 'ES384', 'sha384'],
    ['P-521', 'ES512', 'sha512'],
    ['secp256k1', 'ES256K', 'sha256'],
    ['RSA', 'RS256', 'sha256'],
  ] as const)(
    'K4 a key of %s signs where it lies, and its public key verifies',
    async (type, algorithm, digest) => {
      const { memory } = open();
      const { key } = sampleOf(type);
      const file = key.export({ format: 'der', type: 'pkcs8' });
      const { secret, publicKey } = await memory.fromDer(bytesOf(file));
      const signature = sign(algorithm, secret, 'message');
      const given = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
      expect(verify(digest, Buffer.from('message'), given, signature)).toBe(true);
      expect(verify(digest, Buffer.from('massage'), given, signature)).toBe(false);
    },
  );

  it('K4 two keys of X25519 agree', async () => {
    const { memory } = open();
    const file = sampleOf('X25519').key.export({ format: 'der', type: 'pkcs8' });
    const own = await memory.fromDer(bytesOf(file));
    const other = generateKeyPairSync('x25519');
    const shared = await diffieHellman('X25519', own.secret, other.publicKey);
    const theirs = nodeDiffieHellman({ privateKey: other.privateKey, publicKey: own.publicKey });
    expect(shared.equals(theirs)).toBe(true);
  });
});

describe('K4 encrypted PKCS#8', () => {
  const secretOf = (memory: ReturnType<typeof open>['memory'], text: string): Secret =>
    memory.adoptSync(bytesOf(text));

  it.each(['aes-128-cbc', 'aes-256-cbc'])(
    'K4 decrypts what node:crypto wrote with %s',
    async (cipher) => {
      const { memory } = open();
      const passphrase = secretOf(memory, 'correct horse');
      const wrong = secretOf(memory, 'correct house');
      for (const type of TYPES) {
        const { key } = sampleOf(type);
        const options = { type: 'pkcs8', cipher, passphrase: 'correct horse' } as const;
        const pem = key.export({ format: 'pem', ...options }) as string;
        const der = key.export({ format: 'der', ...options });
        for (const [door, file] of [
          ['fromPem', pem],
          ['fromDer', der],
        ] as const) {
          const { privatePart } = await taken(memory, door, file, { passphrase });
          expect(privatePart.equals(privatePartOf(key))).toBe(true);
          expect(await pass(memory, door, file)).toBe('encrypted');
          expect(await pass(memory, door, file, { passphrase: wrong })).toBe('passphrase');
        }
      }
      expect(memory.stats().secrets).toBe(2);
    },
  );

  it('K4 refuses a file that asks for too much, before it does any of it', async () => {
    const { memory } = open();
    const passphrase = secretOf(memory, 'Rabbit');
    expect(await pass(memory, 'fromPem', RFC7914, { passphrase })).toBe('cost');
  });

  it('K4 does not look at a passphrase where nothing is encrypted', async () => {
    const { memory } = open();
    const passphrase = secretOf(memory, 'unused');
    await taken(
      memory,
      'fromPem',
      pemOf('PRIVATE KEY', sampleOf('P-256').key.export({ format: 'der', type: 'pkcs8' })),
      { passphrase },
    );
    expect(passphrase.read((bytes) => Buffer.from(bytes).toString())).toBe('unused');
  });
});
