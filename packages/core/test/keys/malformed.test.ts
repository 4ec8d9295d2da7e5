import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { open } from '../fixture.js';
import { der, integer, OID, octets, positive, sequence } from './der-writer.js';
import { type DoorName, pass, taken } from './doors.js';
import { bytesOf, pemOf, sampleOf } from './samples.js';
import { RFC8037, RFC8410_V1 } from './vectors.js';

const number = (text: unknown): Buffer => Buffer.from(text as string, 'base64url');
const ec = (type: string) => {
  const { jwk } = sampleOf(type);
  return { d: number(jwk.d), x: number(jwk.x), y: number(jwk.y) };
};
const ORDER_P256 = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';

interface Sec1 {
  readonly version?: Buffer;
  readonly d?: Buffer;
  readonly parameters?: Buffer;
  readonly publicKey?: Buffer;
  readonly more?: Buffer;
}

/** An EC key by hand: P-256 and whole, unless told otherwise. */
function sec1(changes: Sec1 = {}): Buffer {
  const { d, x, y } = ec('P-256');
  const parts = {
    version: integer(1),
    d,
    parameters: der(0xa0, OID.p256),
    publicKey: der(0xa1, der(0x03, [0, 4], x, y)),
    more: Buffer.of(),
    ...changes,
  };
  return sequence(parts.version, octets(parts.d), parts.parameters, parts.publicKey, parts.more);
}

const pkcs8 = (algorithm: Buffer, inside: Buffer, ...more: readonly Buffer[]): Buffer =>
  sequence(integer(0), algorithm, octets(inside), ...more);
const EC = sequence(OID.ec, OID.p256);
const ED = sequence(OID.ed25519);
const SEED = octets(number(RFC8037.d));

const NAMES = ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'] as const;

/** An RSA key by hand, with some of its numbers replaced. */
function rsa(
  changes: Partial<Record<(typeof NAMES)[number], Buffer>> = {},
  version = integer(0),
): Buffer {
  const { jwk } = sampleOf('RSA');
  const numbers = NAMES.map((name) => changes[name] ?? positive(number(jwk[name])));
  return sequence(version, ...numbers);
}
const rsaNumber = (name: (typeof NAMES)[number]): Buffer => number(sampleOf('RSA').jwk[name]);
const plus = (bytes: Buffer, more: number | bigint): Buffer => {
  const width = bytes.length * 2;
  const sum = (BigInt(`0x${bytes.toString('hex')}`) + BigInt(more))
    .toString(16)
    .padStart(width, '0');
  return Buffer.from(sum.length % 2 === 0 ? sum : `0${sum}`, 'hex');
};

/** What can be added to the private exponent, which is the same to both primes then. */
const totient = (): bigint => {
  const [p, q] = (['p', 'q'] as const).map((name) =>
    BigInt(`0x${rsaNumber(name).toString('hex')}`),
  );
  return ((p as bigint) - 1n) * ((q as bigint) - 1n);
};

const ASN1: readonly (readonly [string, () => Buffer, string])[] = [
  ['nothing in a sequence', () => sequence(), 'syntax'],
  [
    'a sequence of another length than the file',
    () => Buffer.concat([sec1(), Buffer.of(0)]),
    'syntax',
  ],
  [
    'an indefinite length',
    () => Buffer.concat([Buffer.from('3080', 'hex'), sec1().subarray(2), Buffer.of(0, 0)]),
    'syntax',
  ],
  [
    'a length of 126 bytes',
    () => Buffer.concat([Buffer.from('30fe', 'hex'), Buffer.alloc(200)]),
    'syntax',
  ],
  [
    'a length of four gigabytes',
    () => Buffer.concat([Buffer.from('3084ffffffff', 'hex'), sec1()]),
    'syntax',
  ],
  [
    'a length in more bytes than it needs',
    () => {
      const file = sec1();
      return Buffer.concat([Buffer.from([0x30, 0x82, 0, file[1] as number]), file.subarray(2)]);
    },
    'syntax',
  ],
  ['a bomb of sequences', () => Buffer.from('3080'.repeat(8000), 'hex'), 'syntax'],
  [
    'a bomb of sequences whose lengths are right',
    () => {
      let file: Buffer = integer(0);
      for (let depth = 0; depth < 2000; depth++) file = sequence(file);
      return file;
    },
    'syntax',
  ],
  ['SEC 1 of version 0', () => sec1({ version: integer(0) }), 'unsupported'],
  ['SEC 1 of version 2', () => sec1({ version: integer(2) }), 'unsupported'],
  ['a version in more bytes than it needs', () => sec1({ version: integer('0001') }), 'syntax'],
  ['a version without bytes', () => sec1({ version: integer('') }), 'syntax'],
  ['a private key of zero', () => sec1({ d: Buffer.alloc(32) }), 'value'],
  ['a private key that is the order', () => sec1({ d: Buffer.from(ORDER_P256, 'hex') }), 'value'],
  ['a private key above the order', () => sec1({ d: Buffer.alloc(32, 0xff) }), 'value'],
  ['a private key of 31 bytes', () => sec1({ d: Buffer.alloc(31, 1) }), 'value'],
  [
    'a private key of 33 bytes',
    () => sec1({ d: Buffer.concat([Buffer.of(0), ec('P-256').d]) }),
    'value',
  ],
  ['a private key of no bytes', () => sec1({ d: Buffer.of() }), 'value'],
  ['no curve', () => sec1({ parameters: Buffer.of() }), 'unsupported'],
  [
    'an unknown curve',
    () => sec1({ parameters: der(0xa0, der(0x06, '2b81040001')) }),
    'unsupported',
  ],
  ['a curve of another width', () => sec1({ parameters: der(0xa0, OID.p384) }), 'value'],
  [
    'a curve by its numbers',
    () => sec1({ parameters: der(0xa0, sequence(integer(1))) }),
    'unsupported',
  ],
  ['two curves', () => sec1({ parameters: der(0xa0, OID.p256, OID.p256) }), 'syntax'],
  ['something behind the public key', () => sec1({ more: integer(1) }), 'syntax'],
  [
    'a public key with unused bits',
    () => sec1({ publicKey: der(0xa1, der(0x03, [4, 4], Buffer.alloc(64))) }),
    'syntax',
  ],
  ['a public key without bytes', () => sec1({ publicKey: der(0xa1, der(0x03)) }), 'syntax'],
  [
    'a hybrid point',
    () => sec1({ publicKey: der(0xa1, der(0x03, [0, 6], ec('P-256').x, ec('P-256').y)) }),
    'syntax',
  ],
  ['the point at infinity', () => sec1({ publicKey: der(0xa1, der(0x03, [0, 0])) }), 'syntax'],
  [
    'the public key of another key',
    () => sec1({ publicKey: der(0xa1, der(0x03, [0, 4], ec('secp256k1').x, ec('secp256k1').y)) }),
    'mismatch',
  ],
  [
    'a compressed point of the other sign',
    () =>
      sec1({
        publicKey: der(
          0xa1,
          der(0x03, [0, 3 - ((ec('P-256').y.at(-1) as number) & 1)], ec('P-256').x),
        ),
      }),
    'mismatch',
  ],
  ['PKCS#8 of version 2', () => sequence(integer(2), ED, octets(SEED)), 'unsupported'],
  ['PKCS#8 of a negative version', () => sequence(integer('ff'), ED, octets(SEED)), 'value'],
  [
    'PKCS#8 of version 0 with a public key',
    () => pkcs8(ED, SEED, der(0x81, [0], number(RFC8037.x))),
    'syntax',
  ],
  ['PKCS#8 of version 1 without one', () => sequence(integer(1), ED, octets(SEED)), 'syntax'],
  [
    'PKCS#8 with the public key of another key',
    () => sequence(integer(1), ED, octets(SEED), der(0x81, [0], Buffer.alloc(32, 7))),
    'mismatch',
  ],
  [
    'PKCS#8 with a public key of 31 bytes',
    () => sequence(integer(1), ED, octets(SEED), der(0x81, [0], Buffer.alloc(31, 7))),
    'value',
  ],
  ['an Edwards key of 31 bytes', () => pkcs8(ED, octets(Buffer.alloc(31, 1))), 'value'],
  ['an Edwards key of 33 bytes', () => pkcs8(ED, octets(Buffer.alloc(33, 1))), 'value'],
  ['an Edwards key in no string of its own', () => pkcs8(ED, number(RFC8037.d)), 'syntax'],
  [
    'something behind an Edwards key',
    () => pkcs8(ED, Buffer.concat([SEED, Buffer.of(5, 0)])),
    'syntax',
  ],
  ['parameters of Ed25519', () => pkcs8(sequence(OID.ed25519, der(5)), SEED), 'syntax'],
  ['no parameters of RSA', () => pkcs8(sequence(OID.rsa), rsa()), 'syntax'],
  ['a null of RSA that is not empty', () => pkcs8(sequence(OID.rsa, der(5, [0])), rsa()), 'syntax'],
  ['no curve of an EC key', () => pkcs8(sequence(OID.ec), sec1()), 'syntax'],
  ['another curve than in the key', () => pkcs8(sequence(OID.ec, OID.p384), sec1()), 'mismatch'],
  ['the key of another algorithm', () => pkcs8(EC, rsa()), 'unsupported'],
  ['Ed448', () => pkcs8(sequence(OID.ed448), octets(Buffer.alloc(57, 1))), 'unsupported'],
  ['RSA that is for PSS alone', () => pkcs8(sequence(OID.pss), rsa()), 'unsupported'],
  [
    'a public key instead',
    () => sequence(sequence(OID.ed25519), der(0x03, [0], number(RFC8037.x))),
    'syntax',
  ],
  [
    'an attribute that is nothing',
    () => pkcs8(ED, SEED, der(0xa0, sequence(OID.ec, der(0x31)))),
    'unsupported',
  ],
  ['attributes that are no attributes', () => pkcs8(ED, SEED, der(0xa0, integer(1))), 'syntax'],
  ['something behind PKCS#8', () => pkcs8(ED, SEED, integer(1)), 'syntax'],
  ['RSA of version 1', () => rsa({}, integer(1)), 'unsupported'],
  ['RSA with a number too many', () => sequence(rsa().subarray(4), integer(1)), 'syntax'],
  ['RSA without its last number', () => sequence(rsa().subarray(4, -131)), 'syntax'],
  ['RSA with a negative modulus', () => rsa({ n: integer(rsaNumber('n')) }), 'syntax'],
  [
    'RSA with a modulus in a byte too many',
    () => rsa({ n: integer(Buffer.concat([Buffer.of(0, 0), rsaNumber('n')])) }),
    'syntax',
  ],
  ['RSA with a private exponent of zero', () => rsa({ d: integer(0) }), 'value'],
  ['RSA with a modulus of zero', () => rsa({ n: integer(0) }), 'value'],
  ['RSA with an exponent of 1', () => rsa({ e: integer(1) }), 'value'],
  ['RSA with an even exponent', () => rsa({ e: positive(plus(rsaNumber('e'), 1)) }), 'value'],
  ['RSA with an exponent of 9 bytes', () => rsa({ e: positive(Buffer.alloc(9, 1)) }), 'value'],
  ['RSA with another exponent', () => rsa({ e: integer(3) }), 'value'],
  ['RSA with another modulus', () => rsa({ n: positive(plus(rsaNumber('n'), 2)) }), 'value'],
  ['RSA with a small modulus', () => rsa({ n: positive(rsaNumber('p')) }), 'unsupported'],
  ['RSA with a huge modulus', () => rsa({ n: positive(Buffer.alloc(1025, 0x7f)) }), 'unsupported'],
  [
    'RSA with another private exponent',
    () => rsa({ d: positive(plus(rsaNumber('d'), 2)) }),
    'value',
  ],
  [
    'RSA with a private exponent above the modulus',
    () => rsa({ d: positive(plus(rsaNumber('d'), 2n * totient())) }),
    'value',
  ],
  [
    'RSA with another first exponent',
    () => rsa({ dp: positive(plus(rsaNumber('dp'), 2)) }),
    'value',
  ],
  [
    'RSA with another second exponent',
    () => rsa({ dq: positive(plus(rsaNumber('dq'), 2)) }),
    'value',
  ],
  ['RSA with another coefficient', () => rsa({ qi: positive(plus(rsaNumber('qi'), 2)) }), 'value'],
  [
    'RSA with the coefficient of the other prime',
    () =>
      rsa({
        p: positive(rsaNumber('q')),
        q: positive(rsaNumber('p')),
        dp: positive(rsaNumber('dq')),
        dq: positive(rsaNumber('dp')),
      }),
    'value',
  ],
  [
    'RSA with its modulus as a prime',
    () => rsa({ p: positive(rsaNumber('n')), q: integer(1) }),
    'value',
  ],
];

const LINES = RFC8410_V1.split('\n');
const PEM: readonly (readonly [string, () => string, string])[] = [
  ['white space alone', () => ' \n', 'syntax'],
  ['no first line', () => LINES.slice(1).join('\n'), 'syntax'],
  ['no last line', () => LINES.slice(0, 2).join('\n'), 'syntax'],
  ['a last line that is cut off', () => RFC8410_V1.trimEnd().slice(0, -1), 'syntax'],
  ['a first line that is cut off', () => RFC8410_V1.replace('KEY-----', 'KEY----'), 'syntax'],
  ['another last line', () => RFC8410_V1.replace('END PRIVATE', 'END EC PRIVATE'), 'syntax'],
  ['text before the block', () => `key:\n${RFC8410_V1}`, 'syntax'],
  ['text behind the block', () => `${RFC8410_V1}key`, 'syntax'],
  ['a second block', () => RFC8410_V1 + RFC8410_V1, 'syntax'],
  ['a zero byte behind the block', () => `${RFC8410_V1}\0`, 'syntax'],
  ['a space before the block', () => ` ${RFC8410_V1}`, 'syntax'],
  ['a byte order mark', () => `\xef\xbb\xbf${RFC8410_V1}`, 'syntax'],
  ['an empty line', () => RFC8410_V1.replace('KEY-----\n', 'KEY-----\n\n'), 'syntax'],
  ['a space in a line', () => RFC8410_V1.replace('MC4C', 'MC 4C'), 'syntax'],
  ['no body', () => '-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n', 'syntax'],
  ['padding that is too long', () => RFC8410_V1.replace('VhC\n', 'VhC====\n'), 'syntax'],
  ['padding inside', () => RFC8410_V1.replace('MC4C', 'MC4='), 'syntax'],
  ['a digit too few', () => RFC8410_V1.replace('VhC\n', 'Vh\n'), 'syntax'],
  ['base64url', () => RFC8410_V1.replace('/', '_'), 'syntax'],
  [
    'lines of different lengths',
    () => pemOf('PRIVATE KEY', pkcs8(EC, sec1())).replace(/\n(.{10})(.*)\n/, '\n$1\n$2\n'),
    'syntax',
  ],
  [
    'a header',
    () => RFC8410_V1.replace('KEY-----\n', 'KEY-----\nProc-Type: 4,ENCRYPTED\n\n'),
    'unsupported',
  ],
  ['a public key', () => pemOf('PUBLIC KEY', sequence(ED)), 'unsupported'],
  ['a certificate', () => pemOf('CERTIFICATE', sequence()), 'unsupported'],
  ['a key of OpenSSH', () => pemOf('OPENSSH PRIVATE KEY', Buffer.alloc(9)), 'unsupported'],
  ['PKCS#8 in a block of SEC 1', () => pemOf('EC PRIVATE KEY', pkcs8(EC, sec1())), 'unsupported'],
  ['SEC 1 in a block of PKCS#8', () => pemOf('PRIVATE KEY', sec1()), 'syntax'],
  ['PKCS#1 in a block of SEC 1', () => pemOf('EC PRIVATE KEY', rsa()), 'unsupported'],
  ['parameters alone', () => pemOf('EC PARAMETERS', OID.p256), 'syntax'],
  [
    'parameters of another curve',
    () => pemOf('EC PARAMETERS', OID.p384) + pemOf('EC PRIVATE KEY', sec1()),
    'mismatch',
  ],
  [
    'parameters behind the key',
    () => pemOf('EC PRIVATE KEY', sec1()) + pemOf('EC PARAMETERS', OID.p256),
    'syntax',
  ],
];

const jwk = (changes: object, base: object = RFC8037): string =>
  JSON.stringify({ ...base, ...changes });
const JWK: readonly (readonly [string, () => string, string])[] = [
  ['no JSON', () => '{"kty":"OKP"', 'syntax'],
  ['something behind the document', () => `${jwk({})}x`, 'syntax'],
  ['an array', () => '[]', 'missing'],
  ['a public key', () => jwk({ d: undefined }), 'missing'],
  ['no public key', () => jwk({ x: undefined }), 'missing'],
  ['no kty', () => jwk({ kty: undefined }), 'missing'],
  ['a symmetric key', () => JSON.stringify({ kty: 'oct', k: 'AAAA' }), 'unsupported'],
  ['a kty that is no string', () => jwk({ kty: 1 }), 'type'],
  ['a kty in capitals of another kind', () => jwk({ kty: 'okp' }), 'unsupported'],
  ['another curve', () => jwk({ crv: 'Ed448' }), 'unsupported'],
  ['a curve of another type of key', () => jwk({ crv: 'P-256' }), 'value'],
  ['a d that is no string', () => jwk({ d: [RFC8037.d] }), 'type'],
  ['an empty d', () => jwk({ d: '' }), 'empty'],
  ['two d', () => jwk({}).replace('"d"', `"d":"${RFC8037.x}","d"`), 'duplicate'],
  [
    'two d, one with an escape',
    () => jwk({}).replace('"d"', `"\\u0064":"${RFC8037.x}","d"`),
    'duplicate',
  ],
  ['padding', () => jwk({ d: `${RFC8037.d}=` }), 'syntax'],
  ['base64', () => jwk({ d: RFC8037.d.replace('_', '/') }), 'syntax'],
  ['a d with bits too many', () => jwk({ d: RFC8037.d.replace(/A$/, 'B') }), 'syntax'],
  ['a d of 31 bytes', () => jwk({ d: Buffer.alloc(31, 1).toString('base64url') }), 'value'],
  ['a d of 33 bytes', () => jwk({ d: Buffer.alloc(33, 1).toString('base64url') }), 'value'],
  [
    'the public key of another key',
    () => jwk({ x: Buffer.alloc(32, 1).toString('base64url') }),
    'mismatch',
  ],
  [
    'an EC key of zero',
    () => jwk({ d: Buffer.alloc(32).toString('base64url') }, sampleOf('P-256').jwk),
    'value',
  ],
  [
    'an EC key of 31 bytes',
    () => jwk({ d: Buffer.alloc(31, 1).toString('base64url') }, sampleOf('P-256').jwk),
    'value',
  ],
  [
    'an EC key with a coordinate of 33 bytes',
    () => jwk({ x: Buffer.alloc(33, 1).toString('base64url') }, sampleOf('P-256').jwk),
    'value',
  ],
  [
    'an EC key of the wrong curve',
    () => jwk({ crv: 'secp256k1' }, sampleOf('P-256').jwk),
    'mismatch',
  ],
  [
    'an EC key with another y',
    () => jwk({ y: sampleOf('P-256').jwk.x }, sampleOf('P-256').jwk),
    'mismatch',
  ],
  ['an RSA key without its factors', () => jwk({ p: undefined }, sampleOf('RSA').jwk), 'missing'],
  ['an RSA key of more primes', () => jwk({ oth: [] }, sampleOf('RSA').jwk), 'unsupported'],
  [
    'an RSA number that begins with a zero',
    () => jwk({ e: 'AAEAAQ' }, sampleOf('RSA').jwk),
    'value',
  ],
  ['an RSA number of zero', () => jwk({ e: 'AA' }, sampleOf('RSA').jwk), 'value'],
  [
    'an RSA key with another d',
    () => jwk({ d: plus(rsaNumber('d'), 2).toString('base64url') }, sampleOf('RSA').jwk),
    'value',
  ],
];

describe('K4 files that are no key', () => {
  it.each(ASN1)('K4 refuses %s', async (_, file, reason) => {
    const { memory } = open();
    expect(await pass(memory, 'fromDer', file())).toBe(reason);
  });

  it.each(PEM)('K4 refuses a block of PEM with %s', async (_, file, reason) => {
    const { memory } = open();
    expect(await pass(memory, 'fromPem', file())).toBe(reason);
  });

  it.each(JWK)('K4 refuses a JWK with %s', async (_, file, reason) => {
    const { memory } = open();
    expect(await pass(memory, 'fromJwk', file())).toBe(reason);
  });

  it('K4 control: what these files were made of is taken', async () => {
    const { memory } = open();
    for (const file of [
      sec1(),
      pkcs8(EC, sec1()),
      pkcs8(sequence(OID.rsa, der(5)), rsa()),
      rsa(),
      pkcs8(ED, SEED),
    ]) {
      await taken(memory, 'fromDer', file);
    }
    const x = ec('P-256').x;
    const sign = 2 + ((ec('P-256').y.at(-1) as number) & 1);
    await taken(memory, 'fromDer', sec1({ publicKey: der(0xa1, der(0x03, [0, sign], x)) }));
    await taken(memory, 'fromDer', sec1({ publicKey: Buffer.of() }));
    await taken(memory, 'fromDer', pkcs8(EC, sec1({ parameters: Buffer.of() })));
    await taken(
      memory,
      'fromPem',
      pemOf('EC PARAMETERS', OID.p256) + pemOf('EC PRIVATE KEY', sec1()),
    );
    await taken(memory, 'fromJwk', jwk({}, sampleOf('RSA').jwk));
  });

  it('K4 refuses every file that is cut off, and every one with a byte behind it', async () => {
    const { memory } = open();
    const { key, jwk: members } = sampleOf('P-384');
    const files: readonly (readonly [DoorName, Uint8Array])[] = [
      ['fromDer', key.export({ format: 'der', type: 'pkcs8' })],
      ['fromDer', key.export({ format: 'der', type: 'sec1' })],
      ['fromPem', bytesOf((key.export({ format: 'pem', type: 'pkcs8' }) as string).trimEnd())],
      ['fromJwk', bytesOf(JSON.stringify(members))],
    ];
    for (const [door, file] of files) {
      await taken(memory, door, file);
      for (let end = 0; end < file.length; end++) {
        expect([door, end, typeof (await pass(memory, door, file.subarray(0, end)))]).toEqual([
          door,
          end,
          'string',
        ]);
      }
      const longer = Buffer.concat([file, Buffer.from('A')]);
      expect(await pass(memory, door, longer)).toBe('syntax');
    }
  });

  it('K4 an error says nothing of the file', async () => {
    const { memory } = open();
    const { jwk: members } = sampleOf('RSA');
    const content = [members.d, members.p, members.qi].map((text) => (text as string).slice(0, 24));
    const files: readonly (readonly [DoorName, string])[] = [
      ['fromJwk', jwk({ d: `${members.d as string}=` }, members)],
      ['fromJwk', jwk({ e: 'Aw' }, members)],
      ['fromPem', pemOf('PRIVATE KEY', rsa())],
      ['fromPem', pemOf(`${members.d as string}`, rsa())],
      ['fromPem', members.d as string],
    ];
    for (const [door, file] of files) {
      const error: unknown = await memory[door](bytesOf(file)).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(Error);
      const shown = inspect(error, { depth: 9 });
      for (const part of content) expect(shown).not.toContain(part);
    }
  });
});
