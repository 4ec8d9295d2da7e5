import {
  AGREEMENTS,
  type AgreementAlgorithm,
  KEY_TYPES,
  type KeyType,
  keyTypeOf,
  SIGNATURES,
} from '@securemem/core/contract';
import { scratch } from '../bytes.js';
import type { Context } from '../context.js';
import { expectCode, expectFilled, expectSame } from '../expectation.js';
import { knownKey } from '../known-keys.js';
import type { Requirement } from '../requirement.js';
import { ABOUT, agreementsOf, bytesAt, putKey, SECRET_AT, signaturesOf, typesOf } from './keys.js';

import { messageOf, secretRange, targetOf } from './keys-misuse.js';

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

export const keysInvalid: readonly Requirement[] = [
  {
    ...ABOUT,
    id: 'keys-invalid',
    sentence:
      'bytes that are no private key and peers that are no public key are refused, and no secret is left',
    run: expectBadRefused,
  },
];
