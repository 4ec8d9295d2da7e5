import {
  AGREEMENTS,
  type AgreementAlgorithm,
  DIGEST_BYTE_LENGTHS,
  KEY_TYPES,
  type KeyType,
  keyTypeOf,
  type RegionId,
  type RegionRange,
  SIGNATURES,
  type SignatureAlgorithm,
} from '@securemem/core/contract';
import { scratch } from '../bytes.js';
import type { Context } from '../context.js';
import { expectCode, expectEqual, expectFilled, expectPlain, expectSame } from '../expectation.js';
import { knownKey } from '../known-keys.js';
import type { Requirement } from '../requirement.js';
import {
  ABOUT,
  agreementsOf,
  bytesAt,
  KEY_AT,
  putKey,
  SECRET_AT,
  signaturesOf,
  typesOf,
} from './keys.js';

/** Orders of the curves, big-endian: the smallest numbers that are no scalars any more (FIPS 186-4, SEC 2). */
const ORDERS: Partial<Record<KeyType, string>> = {
  'P-256': 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551',
  'P-384':
    'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
  'P-521':
    '01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409',
  secp256k1: 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141',
};

const ordinary = (bytes: Uint8Array) => {
  const own = scratch(bytes.length);
  own.set(bytes);
  return own;
};

/** Bytes that are no private key, as long as one. */
function badKeys(type: KeyType): [string, Uint8Array][] {
  if (type === 'RSA') {
    const { privateKey } = knownKey('RSA');
    const damaged = ordinary(privateKey);
    // The last byte of the coefficient: DER is whole, and the numbers do not belong together.
    damaged[damaged.length - 1] = (damaged[damaged.length - 1] as number) ^ 1;
    return [
      ['nothing but zeros', scratch(64)],
      ['DER that ends too early', privateKey.slice(0, -1)],
      ['DER with a byte behind it', ordinary(Buffer.concat([privateKey, Buffer.of(0)]))],
    ];
  }
  const order = ORDERS[type];
  if (order === undefined) return [];
  const bytes = ordinary(Buffer.from(order, 'hex'));
  return [
    ['zero', scratch(bytes.length)],
    ['the order of its curve', bytes],
    ['more than the order of its curve', scratch(bytes.length, 0xff)],
  ];
}

/** Public keys of the other side that must not be taken. */
function badPeers(algorithm: AgreementAlgorithm): [string, Uint8Array][] {
  const { peerByteLength } = AGREEMENTS[algorithm];
  if (algorithm === 'X25519') {
    const one = scratch(32);
    one[0] = 1;
    return [
      ['zero', scratch(32)],
      ['one, a point of small order', one],
    ];
  }
  const { peer } = knownKey(keyTypeOf(algorithm));
  const moved = ordinary(peer);
  moved[peerByteLength - 1] = (moved[peerByteLength - 1] as number) ^ 1;
  const named = ordinary(peer);
  named[0] = 5;
  const hybrid = ordinary(peer);
  hybrid[0] = 6 + ((peer[peerByteLength - 1] as number) & 1);
  return [
    ['a point beside the curve', moved],
    ['a point in no known form', named],
    ['a point in the hybrid form of X9.62', hybrid],
    ['zeros', scratch(peerByteLength)],
    [
      'coordinates beyond the field',
      ordinary(Buffer.concat([Buffer.of(4), scratch(peerByteLength - 1, 0xff)])),
    ],
  ];
}

function expectBadRefused(context: Context): void {
  const { backend, capabilities } = context;
  const region = context.map(2);
  for (const type of typesOf(capabilities)) {
    for (const [what, bytes] of badKeys(type)) {
      const key = putKey(context, region, bytes);
      const target = scratch(KEY_TYPES[type].publicByteLength ?? 4096);
      expectCode(
        () => backend.publicKey(type, key, target),
        'ERR_SECMEM_KEY_INVALID',
        `publicKey of ${type} with ${what}`,
      );
      for (const algorithm of signaturesOf(capabilities)) {
        if (SIGNATURES[algorithm].type !== type) continue;
        expectCode(
          () => backend.sign(algorithm, key, messageOf(algorithm), targetOf(algorithm)),
          'ERR_SECMEM_KEY_INVALID',
          `${algorithm} with ${what}`,
        );
      }
      expectSame(bytesAt(context, key), bytes, `the key of ${type} after refusals`);
    }
  }
  for (const algorithm of agreementsOf(capabilities)) {
    const type = keyTypeOf(algorithm);
    const { privateKey, peer } = knownKey(type);
    const cases: [
      string,
      Uint8Array,
      Uint8Array,
      'ERR_SECMEM_KEY_INVALID' | 'ERR_SECMEM_PEER_INVALID',
    ][] = [
      ...badPeers(algorithm).map(
        ([what, bad]) =>
          [what, privateKey, bad, 'ERR_SECMEM_PEER_INVALID'] as [
            string,
            Uint8Array,
            Uint8Array,
            'ERR_SECMEM_PEER_INVALID',
          ],
      ),
      ...badKeys(type).map(
        ([what, bad]) =>
          [what, bad, peer, 'ERR_SECMEM_KEY_INVALID'] as [
            string,
            Uint8Array,
            Uint8Array,
            'ERR_SECMEM_KEY_INVALID',
          ],
      ),
    ];
    for (const [what, bytes, other, code] of cases) {
      const key = putKey(context, region, bytes);
      const range = secretRange(algorithm, region);
      backend.write(region, SECRET_AT, scratch(range.byteLength, 0x33));
      expectCode(
        () => backend.agree(algorithm, key, other, range),
        code,
        `${algorithm} with ${what}`,
      );
      expectFilled(bytesAt(context, range), 0, `the secret of ${algorithm} after ${what}`);
    }
  }
}

const messageOf = (algorithm: SignatureAlgorithm) => {
  const { digest } = SIGNATURES[algorithm];
  return scratch(digest === undefined ? 8 : DIGEST_BYTE_LENGTHS[digest], 7);
};

const targetOf = (algorithm: SignatureAlgorithm) =>
  scratch(SIGNATURES[algorithm].byteLength ?? 512);

const secretRange = (algorithm: AgreementAlgorithm, region: RegionId): RegionRange => ({
  region,
  byteOffset: SECRET_AT,
  byteLength: AGREEMENTS[algorithm].byteLength,
});

const PLAIN = ['RangeError', 'TypeError'] as const;

function expectMisuseRefused(context: Context): void {
  const { backend, capabilities, page } = context;
  const region = context.map(2);
  for (const algorithm of signaturesOf(capabilities)) {
    const { type, digest, byteLength } = SIGNATURES[algorithm];
    const key = putKey(context, region, knownKey(type).privateKey);
    const [message, target] = [messageOf(algorithm), targetOf(algorithm)];
    const calls: [string, () => unknown][] = [
      [
        'a key outside',
        () => backend.sign(algorithm, { ...key, byteOffset: 2 * page - 1 }, message, target),
      ],
      [
        'a key of no bytes',
        () => backend.sign(algorithm, { ...key, byteLength: 0 }, message, target),
      ],
      ['a target of one byte', () => backend.sign(algorithm, key, message, target.subarray(0, 1))],
    ];
    if (digest !== undefined) {
      calls.push([
        'a short digest',
        () => backend.sign(algorithm, key, message.subarray(1), target),
      ]);
    }
    if (byteLength !== undefined) {
      calls.push(
        [
          'a longer key',
          () =>
            backend.sign(algorithm, { ...key, byteLength: key.byteLength + 1 }, message, target),
        ],
        ['a longer target', () => backend.sign(algorithm, key, message, scratch(byteLength + 1))],
      );
    }
    for (const [what, call] of calls) expectPlain(call, PLAIN, `${algorithm} with ${what}`);
    expectFilled(target, 0, `the target of ${algorithm} after refusals`);
  }
  for (const algorithm of agreementsOf(capabilities)) {
    const { privateKey, peer } = knownKey(keyTypeOf(algorithm));
    const key = putKey(context, region, privateKey);
    const range = secretRange(algorithm, region);
    backend.write(region, SECRET_AT, scratch(range.byteLength, 0x33));
    const calls: [string, () => unknown][] = [
      ['a short peer', () => backend.agree(algorithm, key, peer.subarray(1), range)],
      [
        'a short secret',
        () => backend.agree(algorithm, key, peer, { ...range, byteLength: range.byteLength - 1 }),
      ],
      [
        'a secret outside',
        () => backend.agree(algorithm, key, peer, { ...range, byteOffset: 2 * page - 1 }),
      ],
      [
        'a secret over the key',
        () => backend.agree(algorithm, key, peer, { ...range, byteOffset: KEY_AT + 1 }),
      ],
    ];
    for (const [what, call] of calls) expectPlain(call, PLAIN, `${algorithm} with ${what}`);
    expectFilled(bytesAt(context, range), 0x33, `the secret of ${algorithm} after refusals`);
  }
  expectNamesRefused(context, region);
}

/** Names that are none, and names that the backend does not claim. */
function expectNamesRefused({ backend, capabilities }: Context, region: RegionId): void {
  const key = { region, byteOffset: KEY_AT, byteLength: 32 };
  const range = { region, byteOffset: SECRET_AT, byteLength: 32 };
  for (const name of ['none', 'toString', 'X25519'] as never[]) {
    expectPlain(
      () => backend.sign(name, key, scratch(32), scratch(64)),
      ['TypeError'],
      `sign by ${name}`,
    );
  }
  for (const name of ['none', 'constructor'] as never[]) {
    expectPlain(
      () => backend.publicKey(name, key, scratch(32)),
      ['TypeError'],
      `publicKey of ${name}`,
    );
  }
  for (const name of ['none', 'Ed25519'] as never[]) {
    expectPlain(
      () => backend.agree(name, key, scratch(32), range),
      ['TypeError'],
      `agree by ${name}`,
    );
  }
  for (const name of Object.keys(SIGNATURES) as SignatureAlgorithm[]) {
    if (capabilities.keys.includes(name)) continue;
    expectCode(
      () => backend.sign(name, key, messageOf(name), targetOf(name)),
      'ERR_SECMEM_NOT_SUPPORTED',
      `sign by ${name}, which is not claimed`,
    );
  }
}

/** Each field of a range once, and whatever a getter does, the regions are looked at after it. */
function expectReadOnce(context: Context): void {
  const { backend, capabilities } = context;
  const region = context.map(2);
  for (const algorithm of signaturesOf(capabilities)) {
    const reads: string[] = [];
    const real = putKey(context, region, knownKey(SIGNATURES[algorithm].type).privateKey);
    const key = new Proxy(real, {
      get: (range, field: keyof RegionRange) => {
        reads.push(field);
        return range[field];
      },
    });
    backend.sign(algorithm, key, messageOf(algorithm), targetOf(algorithm));
    expectEqual(reads.sort(), ['byteLength', 'byteOffset', 'region'], `reads by ${algorithm}`);
  }
  for (const algorithm of agreementsOf(capabilities)) {
    const gone = context.map();
    const { privateKey, peer } = knownKey(keyTypeOf(algorithm));
    backend.write(gone, KEY_AT, privateKey);
    const key = { region: gone, byteOffset: KEY_AT, byteLength: privateKey.length };
    const range = Object.defineProperty({ ...secretRange(algorithm, region) }, 'byteOffset', {
      get: () => {
        backend.unmap(gone);
        return SECRET_AT;
      },
    });
    expectCode(
      () => backend.agree(algorithm, key, peer, range),
      'ERR_SECMEM_DISPOSED',
      `${algorithm} with a range that unmaps the region of the key`,
    );
  }
}

export const keysMisuse: readonly Requirement[] = [
  {
    ...ABOUT,
    id: 'keys-invalid',
    sentence:
      'bytes that are no private key and peers that are no public key are refused, and no secret is left',
    run: expectBadRefused,
  },
  {
    ...ABOUT,
    id: 'keys-misuse',
    sentence:
      'sign, publicKey and agree refuse wrong names, lengths and ranges before anything changes',
    run: expectMisuseRefused,
  },
  {
    ...ABOUT,
    id: 'keys-ranges',
    sentence: 'sign and agree read each field of a range once, before they check regions',
    run: expectReadOnce,
  },
];
