import {
  AGREEMENTS,
  type AgreementAlgorithm,
  DIGEST_BYTE_LENGTHS,
  keyTypeOf,
  type RegionId,
  type RegionRange,
  SIGNATURES,
  type SignatureAlgorithm,
} from '@securemem/core/contract';
import { scratch } from '../bytes.js';
import type { Context } from '../context.js';
import { expectCode, expectEqual, expectFilled, expectPlain } from '../expectation.js';
import { knownKey } from '../known-keys.js';
import type { Requirement } from '../requirement.js';
import { ABOUT, agreementsOf, bytesAt, KEY_AT, putKey, SECRET_AT, signaturesOf } from './keys.js';

export const messageOf = (algorithm: SignatureAlgorithm) => {
  const { digest } = SIGNATURES[algorithm];
  return scratch(digest === undefined ? 8 : DIGEST_BYTE_LENGTHS[digest], 7);
};

export const targetOf = (algorithm: SignatureAlgorithm) =>
  scratch(SIGNATURES[algorithm].byteLength ?? 512);

export const secretRange = (algorithm: AgreementAlgorithm, region: RegionId): RegionRange => ({
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
