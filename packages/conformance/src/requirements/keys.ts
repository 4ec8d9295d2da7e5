import { constants, createHash, randomBytes, verify } from 'node:crypto';
import {
  AGREEMENTS,
  type AgreementAlgorithm,
  type BackendCapabilities,
  isAgreementAlgorithm,
  isSignatureAlgorithm,
  KEY_TYPES,
  type KeyType,
  keyTypeOf,
  type RegionId,
  type RegionRange,
  SIGNATURES,
  type SignatureAlgorithm,
} from '@securemem/core/contract';
import { pattern, scratch } from '../bytes.js';
import type { Context } from '../context.js';
import { NotProven } from '../evidence/evidence.js';
import { Marker } from '../evidence/marker.js';
import { expect, expectCode, expectEqual, expectFilled, expectSame } from '../expectation.js';
import { keyObjectOf, knownKey } from '../known-keys.js';
import { levelsOf } from '../levels.js';
import type { Requirement } from '../requirement.js';

export const claims = ({ keys }: BackendCapabilities): boolean => keys.length > 0;

const INSTEAD = 'sign, publicKey and agree throw ERR_SECMEM_NOT_SUPPORTED';
export const KEY_AT = 64;
export const SECRET_AT = 2048;

/** What every requirement of this group is about. */
export const ABOUT = {
  group: 'keys',
  contract: 'MemoryBackend.sign, publicKey, agree',
  capability: 'keys',
  claims,
  instead: INSTEAD,
  otherwise: refusesKeys,
} as const;

export function refusesKeys({ backend, page }: Context): void {
  const region = backend.map(page);
  const range = (byteOffset: number) => ({ region, byteOffset, byteLength: 32 });
  const calls: [string, () => unknown][] = [
    ['sign', () => backend.sign('Ed25519', range(0), scratch(8), scratch(64))],
    ['publicKey', () => backend.publicKey('Ed25519', range(0), scratch(32))],
    ['agree', () => backend.agree('X25519', range(0), scratch(32, 9), range(64))],
  ];
  for (const [name, call] of calls) {
    expectCode(call, 'ERR_SECMEM_NOT_SUPPORTED', `${name} without keys`);
  }
}

export const signaturesOf = ({ keys }: BackendCapabilities): SignatureAlgorithm[] =>
  keys.filter(isSignatureAlgorithm);

export const agreementsOf = ({ keys }: BackendCapabilities): AgreementAlgorithm[] =>
  keys.filter(isAgreementAlgorithm);

export const typesOf = ({ keys }: BackendCapabilities): KeyType[] => [
  ...new Set(keys.map(keyTypeOf)),
];

/** Writes a key and gives its range. */
export function putKey({ backend }: Context, region: RegionId, key: Uint8Array): RegionRange {
  backend.write(region, KEY_AT, key);
  return { region, byteOffset: KEY_AT, byteLength: key.length };
}

/** The bytes that are signed, and what a backend is given of them. */
export function inputOf(algorithm: SignatureAlgorithm): { message: Uint8Array; given: Uint8Array } {
  const message = randomBytes(100);
  const { digest } = SIGNATURES[algorithm];
  const given = digest === undefined ? message : createHash(digest).update(message).digest();
  const own = scratch(given.length);
  own.set(given);
  return { message, given: own };
}

/** Signs, and says whether the signature is one of this key. */
export function signsFor(
  { backend }: Context,
  algorithm: SignatureAlgorithm,
  key: RegionRange,
  publicKey: Uint8Array,
): boolean {
  const { byteLength } = SIGNATURES[algorithm];
  const { message, given } = inputOf(algorithm);
  const target = scratch(byteLength ?? 512);
  const written = backend.sign(algorithm, key, given, target);
  return verifies(algorithm, publicKey, message, target.subarray(0, written));
}

/** Whether `node:crypto` takes the signature for one over the message; the recovery id it does not look at. */
export function verifies(
  algorithm: SignatureAlgorithm,
  publicKey: Uint8Array,
  message: Uint8Array,
  whole: Uint8Array,
): boolean {
  const { type, digest } = SIGNATURES[algorithm];
  requireJudge(type);
  const signature = algorithm === 'ES256K-R' ? whole.subarray(0, 64) : whole;
  const pss = {
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  };
  const options = algorithm.startsWith('PS') ? pss : { dsaEncoding: 'ieee-p1363' as const };
  return verify(digest, message, { key: keyObjectOf(type, publicKey), ...options }, signature);
}

/** Throws `NotProven` where the runtime has no public keys of this type, so that nobody here can judge a signature. */
function requireJudge(type: KeyType): void {
  const { publicKey } = knownKey(type);
  try {
    keyObjectOf(type, publicKey);
  } catch {
    throw new NotProven(`node:crypto of this runtime has no public keys of ${type}`);
  }
}

/** The bytes at a range. */
export function bytesAt({ backend }: Context, { region, byteOffset, byteLength }: RegionRange) {
  const bytes = scratch(byteLength);
  backend.read(region, byteOffset, bytes);
  return bytes;
}

function expectKnownAnswers(context: Context): void {
  const { backend, capabilities } = context;
  const region = context.map(2);
  for (const type of typesOf(capabilities)) {
    const { privateKey, publicKey } = knownKey(type);
    const key = putKey(context, region, privateKey);
    const target = scratch(KEY_TYPES[type].publicByteLength ?? privateKey.length);
    const written = backend.publicKey(type, key, target);
    expectSame(target.subarray(0, written), publicKey, `the public key of ${type}`);
    expectSame(bytesAt(context, key), privateKey, `the key of ${type} after it`);
  }
  for (const algorithm of signaturesOf(capabilities)) {
    const { privateKey, publicKey } = knownKey(SIGNATURES[algorithm].type);
    const key = putKey(context, region, privateKey);
    expect(signsFor(context, algorithm, key, publicKey), `${algorithm}: the signature is wrong`);
  }
  for (const algorithm of agreementsOf(capabilities)) {
    const { byteLength } = AGREEMENTS[algorithm];
    const { privateKey, peer, secret } = knownKey(keyTypeOf(algorithm));
    const key = putKey(context, region, privateKey);
    const range = { region, byteOffset: SECRET_AT, byteLength };
    backend.write(region, SECRET_AT, scratch(byteLength + 8, 0x33));
    backend.agree(algorithm, key, peer, range);
    expectSame(bytesAt(context, range), secret, `the secret of ${algorithm}`);
    const behind = { ...range, byteOffset: SECRET_AT + byteLength, byteLength: 8 };
    expectFilled(bytesAt(context, behind), 0x33, `behind the secret of ${algorithm}`);
  }
}

/** Two keys of each curve that are no multiples of each other's bytes. */
function expectFreshKeys(context: Context): void {
  const { backend, capabilities } = context;
  const region = context.map(1);
  for (const algorithm of signaturesOf(capabilities)) {
    const { type } = SIGNATURES[algorithm];
    if (type === 'RSA') continue;
    const byteLength = KEY_TYPES[type].privateByteLengths[0];
    for (const salt of [1, 2, 1]) {
      const bytes = pattern(byteLength, salt);
      bytes[0] = 0;
      const key = putKey(context, region, bytes);
      const publicKey = scratch(KEY_TYPES[type].publicByteLength);
      backend.publicKey(type, key, publicKey);
      expect(
        signsFor(context, algorithm, key, publicKey),
        `${algorithm} should sign with the key that lies there now`,
      );
    }
  }
  for (const algorithm of agreementsOf(capabilities)) {
    const { byteLength } = AGREEMENTS[algorithm];
    const { peer } = knownKey(keyTypeOf(algorithm));
    const secrets = [1, 2].map((salt) => {
      const bytes = pattern(KEY_TYPES[keyTypeOf(algorithm)].privateByteLengths?.[0] ?? 0, salt);
      bytes[0] = 0;
      const key = putKey(context, region, bytes);
      const range = { region, byteOffset: SECRET_AT, byteLength };
      backend.agree(algorithm, key, peer, range);
      return Buffer.from(bytesAt(context, range)).toString('hex');
    });
    expect(secrets[0] !== secrets[1], `${algorithm} should agree by the key that lies there now`);
  }
}

async function expectProtection(context: Context): Promise<void> {
  const { backend, capabilities, evidence } = context;
  const keys = await context.mapPlaced(2);
  const secrets = await context.mapPlaced();
  for (const level of [...levelsOf(capabilities), 'read-write'] as const) {
    for (const type of typesOf(capabilities)) {
      const { privateKey, publicKey, peer } = knownKey(type);
      const key = putKey(context, keys.region, privateKey);
      for (const { region } of [keys, secrets]) backend.protect(region, level);
      for (const algorithm of signaturesOf(capabilities)) {
        if (SIGNATURES[algorithm].type !== type) continue;
        expect(signsFor(context, algorithm, key, publicKey), `${algorithm} under ${level}`);
      }
      for (const algorithm of agreementsOf(capabilities)) {
        if (AGREEMENTS[algorithm].type !== type) continue;
        const { byteLength } = AGREEMENTS[algorithm];
        backend.agree(algorithm, key, peer, { region: secrets.region, byteOffset: 0, byteLength });
      }
      for (const { place } of [keys, secrets]) {
        const facts = await evidence.facts(place);
        expectEqual(facts.protection, level, `the protection after keys of ${type}`);
      }
      for (const { region } of [keys, secrets]) backend.protect(region, 'read-write');
    }
  }
}

async function expectNothingLeft(context: Context): Promise<void> {
  const { backend, capabilities, evidence } = context;
  const region = context.map();
  const marker = new Marker();
  marker.lend((bytes) => backend.write(region, KEY_AT, bytes));
  const inside = capabilities.kernelHidden ? 0 : 1;
  expectEqual(await evidence.copies(marker), inside, 'copies before, the region itself included');
  const key = { region, byteOffset: KEY_AT, byteLength: 32 };
  const short = (type: KeyType) => KEY_TYPES[type].privateByteLengths?.[0] === 32;
  for (let round = 0; round < 4; round += 1) {
    for (const type of typesOf(capabilities).filter(short)) {
      backend.publicKey(type, key, scratch(KEY_TYPES[type].publicByteLength ?? 0));
    }
    for (const algorithm of signaturesOf(capabilities)) {
      const { type, byteLength } = SIGNATURES[algorithm];
      if (!short(type)) continue;
      backend.sign(algorithm, key, inputOf(algorithm).given, scratch(byteLength ?? 0));
    }
    for (const algorithm of agreementsOf(capabilities)) {
      const type = keyTypeOf(algorithm);
      if (!short(type)) continue;
      const range = { region, byteOffset: SECRET_AT, byteLength: 32 };
      backend.agree(algorithm, key, knownKey(type).peer, range);
      backend.wipe(region, SECRET_AT, 32);
    }
  }
  expectEqual(await evidence.copies(marker), inside, 'copies of the key afterwards');
  expectEqual(await evidence.copies(marker.reversed()), 0, 'copies with the bytes reversed');
}

export const keys: readonly Requirement[] = [
  {
    ...ABOUT,
    id: 'keys-known',
    sentence:
      'publicKey and agree give the known answers, and signatures of sign verify, for each algorithm',
    run: expectKnownAnswers,
  },
  {
    ...ABOUT,
    id: 'keys-fresh',
    sentence: 'sign, publicKey and agree use the key that lies in the region now',
    run: expectFreshKeys,
  },
  {
    ...ABOUT,
    id: 'keys-protection',
    sentence: 'sign and agree work under every protection and leave it as it was',
    run: expectProtection,
  },
  {
    ...ABOUT,
    id: 'keys-leave-nothing',
    sentence: 'sign, publicKey and agree leave no copy of the key, forwards or backwards',
    run: expectNothingLeft,
  },
];
