import { sign } from 'node:crypto';
import { type KeyReference, type KeyType, SIGNATURES } from '@securemem/core/contract';
import { scratch } from '../bytes.js';
import type { Context } from '../context.js';
import { expect, expectCode, expectPlain } from '../expectation.js';
import { knownKey } from '../known-keys.js';
import type { Requirement } from '../requirement.js';
import { KEY_AT, putKey, verifies } from './keys.js';

/** One signature of each family that a certificate may be of. */
const SIGNED = ['Ed25519', 'ES256', 'RS256'] as const;

function refuses({ backend, page }: Context): void {
  const key = { region: backend.map(page), byteOffset: 0, byteLength: 32 };
  expectCode(
    () => backend.openKey(key, 'P-256'),
    'ERR_SECMEM_NOT_SUPPORTED',
    'openKey without keyReferences',
  );
}

function opened(
  context: Context,
  type: KeyType,
): { region: ReturnType<Context['map']>; key: KeyReference } {
  const region = context.map(2);
  const range = putKey(context, region, knownKey(type).privateKey);
  return { region, key: context.backend.openKey(range, type) };
}

/** By what `node:crypto` says. */
function signed(key: KeyReference, algorithm: (typeof SIGNED)[number]): boolean {
  const { digest, type } = SIGNATURES[algorithm];
  const message = scratch(40, 7);
  const signature = sign(digest, message, bare(key.pem));
  return verifies(algorithm, knownKey(type).publicKey, message, signature);
}

/** Options that are looked up on no prototype. */
const bare = (key: string) =>
  Object.assign(Object.create(null), { key, dsaEncoding: 'ieee-p1363' }) as {
    readonly key: string;
    readonly dsaEncoding: 'ieee-p1363';
  };

function expectUsable(context: Context, algorithm: (typeof SIGNED)[number]): void {
  const { type } = SIGNATURES[algorithm];
  const { backend, page } = context;
  const ends: [string, (key: KeyReference, region: ReturnType<Context['map']>) => void][] = [
    ['close', (key) => key.close()],
    ['wipe', (_, region) => backend.wipe(region, KEY_AT, 16)],
    ['unmap', (_, region) => backend.unmap(region)],
  ];
  for (const [name, end] of ends) {
    const { region, key } = opened(context, type);
    expect(signed(key, algorithm), `${algorithm} by a reference does not verify`);
    end(key, region);
    let after = false;
    try {
      after = signed(key, algorithm);
    } catch {}
    expect(!after, `after ${name} a reference of ${type} still signs`);
    key.close();
    key.close();
  }
  const outside = { region: context.map(), byteOffset: page, byteLength: 32 };
  expectPlain(
    () => backend.openKey(outside, type),
    ['RangeError', 'TypeError'],
    `openKey of ${type} outside its region`,
  );
}

export const keyReferences: readonly Requirement[] = [
  {
    id: 'key-references',
    group: 'keys',
    sentence:
      'openKey gives a name by which node:crypto signs, until it is closed or its bytes are wiped or unmapped',
    contract: 'MemoryBackend.openKey',
    capability: 'keyReferences',
    claims: (capabilities) => capabilities.keyReferences === 'provider',
    run: (context) => {
      for (const algorithm of SIGNED) expectUsable(context, algorithm);
    },
    instead: 'openKey throws ERR_SECMEM_NOT_SUPPORTED',
    otherwise: refuses,
  },
];
