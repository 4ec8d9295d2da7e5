import {
  createPrivateKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import type { AgreementAlgorithm, KeyType, SignatureAlgorithm } from '@securemem/core/contract';
import { AGREEMENTS, KEY_TYPES, SIGNATURES } from '@securemem/core/contract';
import { describe, expect, it } from 'vitest';
import { bytesOf, hex, KeyPage, zeros } from './key-page.js';
import { CURVES, ECDH, ED25519, RS256, X25519, X25519_PUBLIC } from './vectors.js';

const withCode = (code: string) => expect.objectContaining({ code });

/** The orders of the groups (SEC 2; FIPS 186-4, D.1.2). */
const ORDERS = {
  'P-256': 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551',
  'P-384':
    'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
  'P-521':
    '01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409',
  secp256k1: 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141',
} as const;
const USES = {
  'P-256': ['ES256', 'ECDH-P-256', 'prime256v1'],
  'P-384': ['ES384', 'ECDH-P-384', 'secp384r1'],
  'P-521': ['ES512', 'ECDH-P-521', 'secp521r1'],
  secp256k1: ['ES256K', 'ECDH-secp256k1', 'secp256k1'],
} as const satisfies Record<string, readonly [SignatureAlgorithm, AgreementAlgorithm, string]>;

const plus = (order: string, difference: bigint): Uint8Array<ArrayBuffer> =>
  hex((BigInt(`0x${order}`) + difference).toString(16).padStart(order.length, '0'));

describe('K2 agreements and public keys', () => {
  it.for([...X25519.map((vector) => ({ ...vector, algorithm: 'X25519' as const })), ...ECDH])(
    'K2 $algorithm gives the published answer $secret',
    ({ algorithm, key, peer, secret }) => {
      using page = new KeyPage().put(hex(key));
      expect(page.agree(algorithm, hex(peer)).toString('hex')).toBe(secret);
      expect(page.backend.inspect([page.region])[0]).toMatchObject({ protection: 'no-access' });
    },
  );

  it.for([...CURVES, { ...X25519_PUBLIC, type: 'X25519' as const }])(
    'K2 the public key of $type is the published one',
    ({ type, key, publicKey }) => {
      using page = new KeyPage().put(hex(key));
      expect(page.publicKey(type).toString('hex')).toBe(publicKey);
    },
  );

  it('K2 every agreement agrees with node:crypto, from both sides', () => {
    const pairOf = (name: string): { privateKey: KeyObject; publicKey: KeyObject } =>
      name === 'x25519'
        ? generateKeyPairSync('x25519')
        : generateKeyPairSync('ec', { namedCurve: name });
    const partsOf = (privateKey: KeyObject) => {
      const { d, x, y } = privateKey.export({ format: 'jwk' });
      const [scalar, ...point] = [d, x, y].map((part) => Buffer.from(part ?? '', 'base64url'));
      return {
        scalar: scalar as Buffer,
        point: y === undefined ? point[0] : Buffer.concat([Buffer.from([4]), ...point]),
      };
    };
    const names = {
      X25519: 'x25519',
      ...Object.fromEntries(Object.values(USES).map(([, use, curve]) => [use, curve])),
    };
    for (const [algorithm, name] of Object.entries(names) as [AgreementAlgorithm, string][]) {
      for (let round = 0; round < 20; round += 1) {
        const ours = pairOf(name);
        const theirs = pairOf(name);
        using page = new KeyPage().put(partsOf(ours.privateKey).scalar);
        const peer = partsOf(theirs.privateKey).point as Buffer;
        const { privateKey } = ours;
        expect(page.agree(algorithm, peer)).toEqual(
          diffieHellman({ privateKey, publicKey: theirs.publicKey }),
        );
      }
    }
  });

  it.for(Object.keys(ORDERS) as (keyof typeof ORDERS)[])(
    'K1 K2 of %s a scalar of 0, of the order and above is no key, and 1 and the order less 1 are',
    (type) => {
      const order = ORDERS[type];
      const [signing, agreement] = USES[type];
      const width = order.length / 2;
      const digest = randomBytes(
        SIGNATURES[signing].digest === 'sha256'
          ? 32
          : SIGNATURES[signing].digest === 'sha384'
            ? 48
            : 64,
      );
      using one = new KeyPage().put(plus('00'.repeat(width), 1n));
      const generator = one.publicKey(type);
      for (const scalar of [
        zeros(width),
        plus(order, 0n),
        plus(order, 1n),
        zeros(width).fill(0xff),
      ]) {
        using page = new KeyPage().put(scalar);
        expect(() => page.sign(signing, digest)).toThrow(withCode('ERR_SECMEM_KEY_INVALID'));
        expect(() => page.publicKey(type)).toThrow(withCode('ERR_SECMEM_KEY_INVALID'));
        expect(() => page.agree(agreement, generator)).toThrow(withCode('ERR_SECMEM_KEY_INVALID'));
        expect(page.secret(width).every((byte) => byte === 0)).toBe(true);
      }
      for (const scalar of [plus('00'.repeat(width), 1n), plus(order, -1n)]) {
        using page = new KeyPage().put(scalar);
        expect(page.sign(signing, digest)).toHaveLength(2 * width);
        expect(page.publicKey(type).subarray(1, 1 + width)).toEqual(
          generator.subarray(1, 1 + width),
        );
        expect(page.agree(agreement, generator)).toEqual(generator.subarray(1, 1 + width));
      }
    },
  );

  it.for(Object.keys(ORDERS) as (keyof typeof ORDERS)[])(
    'K2 of %s a peer off the curve, too large, at infinity or in another form is refused and the secret reads zero',
    (type) => {
      const [, agreement] = USES[type];
      const { peerByteLength, byteLength: width } = AGREEMENTS[agreement];
      using page = new KeyPage().put(plus('00'.repeat(width), 5n));
      const good = page.publicKey(type);
      const changed = (change: (point: Buffer) => void): Buffer => {
        const point = Buffer.from(good);
        change(point);
        return point;
      };
      const bad = [
        zeros(peerByteLength),
        zeros(peerByteLength).fill(0xff),
        changed((point) => point.writeUInt8((point.at(-1) as number) ^ 1, peerByteLength - 1)),
        changed((point) => point.writeUInt8((point[1] as number) ^ 1, 1)),
        changed((point) => point.fill(0xff, 1, 1 + width)),
        changed((point) => point.fill(0, 1)),
        // Hybrid and compressed forms of the same length.
        changed((point) => point.writeUInt8(6 + ((point.at(-1) as number) & 1), 0)),
        changed((point) => point.writeUInt8(2 + ((point.at(-1) as number) & 1), 0)),
      ];
      for (const peer of bad) {
        expect(() => page.agree(agreement, peer)).toThrow(withCode('ERR_SECMEM_PEER_INVALID'));
        expect(page.secret(width).every((byte) => byte === 0)).toBe(true);
      }
      expect(page.agree(agreement, good)).toHaveLength(width);
    },
  );

  it('K2 every point of small order is refused by X25519 and the secret reads zero', () => {
    // RFC 7748, section 7, and their forms above 2^255 - 19 (Bernstein, "Curve25519: new Diffie-Hellman speed records").
    const small = [
      '00'.repeat(32),
      `01${'00'.repeat(31)}`,
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
      `ec${'ff'.repeat(30)}7f`,
      `ed${'ff'.repeat(30)}7f`,
      `ee${'ff'.repeat(30)}7f`,
    ];
    using page = new KeyPage().put(hex(X25519_PUBLIC.key));
    for (const peer of small) {
      expect(() => page.agree('X25519', hex(peer))).toThrow(withCode('ERR_SECMEM_PEER_INVALID'));
      expect(page.secret(32).every((byte) => byte === 0)).toBe(true);
    }
  });

  it('K2 a secret over its own key, in part or whole, is refused and both stay', () => {
    using page = new KeyPage().put(hex(X25519_PUBLIC.key), 100);
    const { region } = page;
    for (const byteOffset of [69, 100, 131]) {
      const secret = { region, byteOffset, byteLength: 32 };
      expect(() => page.backend.agree('X25519', page.key, hex(X25519[0].peer), secret)).toThrow(
        RangeError,
      );
    }
    const secret = { region, byteOffset: 132, byteLength: 32 };
    page.backend.agree('X25519', page.key, hex(X25519[2].peer), secret);
    const found = zeros(64);
    page.backend.read(region, 100, found);
    expect(found).toEqual(hex(X25519[2].key + X25519[2].secret));
  });
});

describe('K1 keys of RSA that are none', () => {
  const der = createPrivateKey({ key: RS256.jwk, format: 'jwk' }).export({
    type: 'pkcs1',
    format: 'der',
  });
  const part = (name: 'n' | 'e' | 'd' | 'p' | 'q' | 'dp' | 'dq' | 'qi') => {
    const bytes = Buffer.from(RS256.jwk[name], 'base64url');
    return (bytes[0] as number) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
  };
  const element = (tag: number, content: Uint8Array): Buffer => {
    const length =
      content.length < 128
        ? [content.length]
        : content.length < 256
          ? [0x81, content.length]
          : [0x82, content.length >> 8, content.length & 255];
    return Buffer.concat([Buffer.from([tag, ...length]), content]);
  };
  const NAMES = ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'] as const;
  type Name = (typeof NAMES)[number];
  const sequence = (numbers: readonly Uint8Array[], version: Uint8Array = Buffer.from([0])) =>
    element(0x30, Buffer.concat([version, ...numbers].map((content) => element(2, content))));
  const keyOf = (change: Partial<Record<Name, Uint8Array>> = {}, version?: Buffer) =>
    sequence(
      NAMES.map((name) => change[name] ?? part(name)),
      version,
    );
  const plusOne = (bytes: Buffer) =>
    Buffer.from(
      (BigInt(`0x${bytes.toString('hex')}`) + 2n).toString(16).padStart(bytes.length * 2, '0'),
      'hex',
    );

  it('K1 the key that is put together here is the one of node:crypto', () => {
    expect(keyOf()).toEqual(der);
  });

  const indefinite = Buffer.concat([
    Buffer.from([0x30, 0x80]),
    der.subarray(4),
    Buffer.from([0, 0]),
  ]);
  const longLength = Buffer.concat([
    Buffer.from([0x30, 0x83, 0, der[2] as number, der[3] as number]),
    der.subarray(4),
  ]);
  const BAD: readonly (readonly [string, Uint8Array])[] = [
    ['nothing but zeroes', zeros(der.length)],
    ['one byte', bytesOf([0x30])],
    ['a byte behind', Buffer.concat([der, Buffer.from([0])])],
    ['a byte too few', der.subarray(0, -1)],
    ['an indefinite length', indefinite],
    ['a length in more bytes than it needs', longLength],
    [
      'a length beyond the end',
      Buffer.concat([Buffer.from([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff]), der.subarray(4)]),
    ],
    ['version 1, of more primes', keyOf({}, Buffer.from([1]))],
    ['a negative modulus', keyOf({ n: part('n').subarray(1) })],
    ['a number with a zero too many', keyOf({ e: Buffer.from([0, 1, 0, 1]) })],
    ['an empty number', keyOf({ qi: Buffer.alloc(0) })],
    ['a number of zero', keyOf({ dq: Buffer.from([0]) })],
    ['an even modulus', keyOf({ n: Buffer.concat([part('n').subarray(0, -1), Buffer.from([2])]) })],
    ['an even exponent', keyOf({ e: Buffer.from([1, 0, 0]) })],
    ['an exponent of 1', keyOf({ e: Buffer.from([1]) })],
    ['seven numbers', sequence(NAMES.slice(0, 7).map(part))],
    ['nine numbers', sequence([...NAMES.map(part), part('qi')])],
    [
      'PKCS#8',
      createPrivateKey({ key: RS256.jwk, format: 'jwk' }).export({ type: 'pkcs8', format: 'der' }),
    ],
    [
      'a modulus of 1,008 bits',
      keyOf({ n: Buffer.concat([Buffer.from([0, 0x80]), Buffer.alloc(125, 7)]) }),
    ],
    [
      'a modulus of 16,400 bits',
      keyOf({ n: Buffer.concat([Buffer.from([0, 0x80]), Buffer.alloc(2049, 7)]) }),
    ],
  ];
  it.for(BAD)('K1 %s is no key, for signing and for the public key', ([, bytes]) => {
    using page = new KeyPage().put(bytes);
    for (const algorithm of ['RS256', 'PS512'] as const) {
      expect(() => page.sign(algorithm, zeros(algorithm === 'RS256' ? 32 : 64))).toThrow(
        withCode('ERR_SECMEM_KEY_INVALID'),
      );
    }
    expect(() => page.publicKey('RSA')).toThrow(withCode('ERR_SECMEM_KEY_INVALID'));
  });

  const WRONG: readonly (readonly [string, Partial<Record<Name, Uint8Array>>])[] = [
    [
      'all private numbers',
      Object.fromEntries(NAMES.slice(2).map((name) => [name, plusOne(part(name))])),
    ],
    ['the public exponent', { e: Buffer.from([1, 0, 3]) }],
    ['d and dp', { d: plusOne(part('d')), dp: plusOne(part('dp')) }],
    ['d and qi', { d: plusOne(part('d')), qi: plusOne(part('qi')) }],
    [
      'p with everything that OpenSSL falls back to',
      { p: plusOne(part('p')), d: plusOne(part('d')) },
    ],
  ];
  it.for(WRONG)(
    'K1 numbers that do not belong together give no signature, which would give the key away: %s',
    async ([, change]) => {
      using page = new KeyPage().put(keyOf(change));
      for (const algorithm of ['RS256', 'PS256'] as const) {
        const target = zeros(256).fill(0xee);
        expect(() => page.backend.sign(algorithm, page.key, zeros(32), target)).toThrow(
          withCode('ERR_SECMEM_KEY_INVALID'),
        );
        expect(target.every((byte) => byte === 0xee)).toBe(true);
        await expect(page.signLater(algorithm, zeros(32))).rejects.toThrow(
          withCode('ERR_SECMEM_KEY_INVALID'),
        );
      }
    },
  );

  it('K1 a modulus too short for digest and salt is refused', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    using page = new KeyPage().put(privateKey.export({ type: 'pkcs1', format: 'der' }));
    expect(() => page.sign('PS512', zeros(64))).toThrow(withCode('ERR_SECMEM_KEY_INVALID'));
    expect(page.sign('PS384', zeros(48))).toHaveLength(128);
  });

  it('K1 a target shorter than the modulus is refused and stays, and one that is longer keeps the rest', () => {
    using page = new KeyPage().put(der);
    const target = zeros(300).fill(0xee);
    expect(() => page.backend.sign('RS256', page.key, zeros(32), target.subarray(0, 255))).toThrow(
      RangeError,
    );
    expect(target.every((byte) => byte === 0xee)).toBe(true);
    expect(page.backend.sign('RS256', page.key, zeros(32), target)).toBe(256);
    expect(target.subarray(256).every((byte) => byte === 0xee)).toBe(true);
    const room = zeros(269);
    expect(() => page.backend.publicKey('RSA', page.key, room)).toThrow(RangeError);
    expect(room.every((byte) => byte === 0)).toBe(true);
    expect(page.backend.publicKey('RSA', page.key, zeros(270))).toBe(270);
  });
});

describe('K1 K2 arguments', () => {
  it('names that are none are a TypeError, also those of every object', () => {
    using page = new KeyPage().put(hex(ED25519[0].key));
    for (const name of ['HS256', 'toString', '__proto__', 'ES256k', '', undefined, 1]) {
      const none = name as never;
      expect(() => page.backend.sign(none, page.key, zeros(32), zeros(64))).toThrow(TypeError);
      expect(() => page.backend.signLater(none, page.key, zeros(32))).toThrow(TypeError);
      expect(() => page.backend.publicKey(none, page.key, zeros(32))).toThrow(TypeError);
      expect(() =>
        page.backend.agree(none, page.key, zeros(32), { ...page.key, byteOffset: 200 }),
      ).toThrow(TypeError);
    }
  });

  it('lengths of keys, digests, targets, peers and secrets are checked before anything changes', () => {
    using page = new KeyPage().put(zeros(64).fill(1));
    const { region } = page;
    const key = (byteLength: number) => ({ region, byteOffset: 0, byteLength });
    for (const [algorithm, { type, byteLength }] of Object.entries(SIGNATURES) as [
      SignatureAlgorithm,
      (typeof SIGNATURES)[SignatureAlgorithm],
    ][]) {
      const [good = 64] = KEY_TYPES[type as KeyType].privateByteLengths ?? [];
      const target = zeros(byteLength ?? 256);
      const digest = zeros(
        { sha256: 32, sha384: 48, sha512: 64 }[SIGNATURES[algorithm].digest ?? 'sha256'],
      );
      if (type !== 'RSA') {
        for (const wrong of [0, good - 1, good + 1])
          expect(() => page.backend.sign(algorithm, key(wrong), digest, target)).toThrow(
            RangeError,
          );
        expect(() =>
          page.backend.sign(algorithm, key(good), digest, zeros(target.length + 1)),
        ).toThrow(RangeError);
        expect(() =>
          page.backend.sign(algorithm, key(good), digest, zeros(target.length - 1)),
        ).toThrow(RangeError);
      }
      if (algorithm !== 'Ed25519') {
        expect(() =>
          page.backend.sign(algorithm, key(good), zeros(digest.length + 1), target),
        ).toThrow(RangeError);
      }
    }
    const peer = hex(X25519[0].peer);
    const secret = { region, byteOffset: 100, byteLength: 32 };
    expect(() => page.backend.agree('X25519', key(31), peer, secret)).toThrow(RangeError);
    expect(() => page.backend.agree('X25519', key(32), zeros(33), secret)).toThrow(RangeError);
    expect(() =>
      page.backend.agree('X25519', key(32), peer, { ...secret, byteLength: 31 }),
    ).toThrow(RangeError);
    expect(() => page.backend.publicKey('X25519', key(32), zeros(31))).toThrow(RangeError);
    const found = zeros(200);
    page.backend.read(region, 0, found);
    expect(found.subarray(67).every((byte) => byte === 0)).toBe(true);
  });

  it('a region that is gone is DISPOSED and a closed backend CLOSED, for all four', () => {
    const page = new KeyPage().put(hex(ED25519[0].key));
    const { backend, key } = page;
    const calls = [
      () => backend.sign('Ed25519', key, zeros(1), zeros(64)),
      () => backend.signLater('RS256', key, zeros(32)),
      () => backend.publicKey('Ed25519', key, zeros(32)),
      () => backend.agree('X25519', key, hex(X25519[0].peer), { ...key, byteOffset: 100 }),
    ];
    backend.unmap(page.region);
    for (const call of calls) expect(call).toThrow(withCode('ERR_SECMEM_DISPOSED'));
    backend[Symbol.dispose]();
    for (const call of calls) expect(call).toThrow(withCode('ERR_SECMEM_CLOSED'));
  });
});
