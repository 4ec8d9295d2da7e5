import {
  type PendingSignature,
  SIGNATURES,
  type SignatureAlgorithm,
} from '@securemem/core/contract';
import { scratch } from '../bytes.js';
import type { Context } from '../context.js';
import { expect, expectCode, expectEqual, expectPlain } from '../expectation.js';
import { knownKey } from '../known-keys.js';
import type { Requirement } from '../requirement.js';
import { inputOf, KEY_AT, putKey, verifies } from './keys.js';

/** How many are asked for at once: more than a pool has threads. */
const MANY = 12;

/** What became of a signature, in a word. */
const fate = (signature: Promise<Uint8Array>): Promise<string> =>
  signature.then(
    () => 'signed',
    (error: { code?: string }) => String(error.code ?? error),
  );

function refuses({ backend, page }: Context): void {
  const key = { region: backend.map(page), byteOffset: 0, byteLength: 32 };
  expectCode(
    () => backend.signLater('RS256', key, scratch(32)),
    'ERR_SECMEM_NOT_SUPPORTED',
    'signLater without keysLater',
  );
}

async function expectSigned(context: Context, algorithm: SignatureAlgorithm): Promise<void> {
  const { backend } = context;
  const { privateKey, publicKey } = knownKey(SIGNATURES[algorithm].type);
  const region = context.map(2);
  const key = putKey(context, region, privateKey);
  const inputs = Array.from({ length: MANY }, () => inputOf(algorithm));
  const pending = inputs.map(({ given }) => backend.signLater(algorithm, key, given));
  // The message was copied: what is done to it now changes nothing.
  for (const { given } of inputs) given.fill(0);
  // All of them are over before one is judged: what a finding left behind would reject with nobody there.
  const settled = await Promise.allSettled(pending.map(({ signature }) => signature));
  for (const [index, outcome] of settled.entries()) {
    if (outcome.status === 'rejected') throw outcome.reason;
    const { message } = inputs[index] as ReturnType<typeof inputOf>;
    const right = verifies(algorithm, publicKey, message, outcome.value);
    expect(right, `${algorithm}: signature ${index} of ${MANY} at once is wrong`);
  }
  const missing = { ...key, byteLength: 3 * context.page };
  expectPlain(
    () => backend.signLater(algorithm, missing, scratch(32)),
    ['RangeError', 'TypeError'],
    `signLater by ${algorithm} with a key outside`,
  );
}

/** Many signatures that are asked for at once, and where their key lies. */
function askMany(context: Context, algorithm: SignatureAlgorithm) {
  const { privateKey } = knownKey(SIGNATURES[algorithm].type);
  const region = context.map(2);
  const key = putKey(context, region, privateKey);
  const pending = Array.from({ length: MANY }, () =>
    context.backend.signLater(algorithm, key, inputOf(algorithm).given),
  );
  return { region, key, pending };
}

/** What became of signatures whose key went, beside the two things that may. */
async function oddFates(pending: readonly PendingSignature[]): Promise<string[]> {
  const fates = new Set(await Promise.all(pending.map(({ signature }) => fate(signature))));
  for (const allowed of ['signed', 'ERR_SECMEM_DISPOSED']) fates.delete(allowed);
  return [...fates];
}

/** A revoked signature is made of the key that was there, or not at all, whatever lies there afterwards. */
async function expectRevoked(context: Context, algorithm: SignatureAlgorithm): Promise<void> {
  const { backend } = context;
  const { region, key, pending } = askMany(context, algorithm);
  for (const one of pending) one.revoke();
  for (const one of pending) one.revoke();
  backend.wipe(region, KEY_AT, key.byteLength);
  const fates = await oddFates(pending);
  expectEqual(fates, [], `what became of revoked signatures by ${algorithm} beside the two`);
}

/** The region goes while signatures wait: none of them touches what is not there. */
async function expectUnmapped(context: Context, algorithm: SignatureAlgorithm): Promise<void> {
  const { backend } = context;
  const { region, pending } = askMany(context, algorithm);
  backend.unmap(region);
  const fates = await oddFates(pending);
  expectEqual(fates, [], `what became of signatures by ${algorithm} after unmap`);
}

export const keysLater: readonly Requirement[] = [
  {
    id: 'keys-later',
    group: 'keys',
    sentence:
      'signLater signs what the message was, and reads nothing of a key once it is revoked or unmapped',
    contract: 'MemoryBackend.signLater',
    capability: 'keysLater',
    claims: (capabilities) => capabilities.keysLater.length > 0,
    run: async (context) => {
      for (const algorithm of context.capabilities.keysLater) {
        await expectSigned(context, algorithm);
        await expectRevoked(context, algorithm);
        await expectUnmapped(context, algorithm);
      }
    },
    instead: 'signLater throws ERR_SECMEM_NOT_SUPPORTED',
    otherwise: refuses,
  },
];
