import { createPrivateKey, generateKeyPairSync, sign as signOfNode } from 'node:crypto';
import { createAllocator, sign } from '@securemem/core';
import { forEachBackend, forEachSubject } from './backends.mjs';

export const message = Buffer.alloc(200, 7);

/** @typedef {import('@securemem/core').SignatureAlgorithm} SignatureAlgorithm */

/** How each key is made, and what node:crypto hashes for it. */
export const KINDS = {
  Ed25519: { make: () => generateKeyPairSync('ed25519'), hash: null },
  ES256: { make: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }), hash: 'sha256' },
  ES384: { make: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }), hash: 'sha384' },
  RS256: { make: () => generateKeyPairSync('rsa', { modulusLength: 2048 }), hash: 'sha256' },
};

/** A key in DER, a new one for each subject. @param {keyof typeof KINDS} algorithm */
export function derOf(algorithm) {
  const der = KINDS[algorithm].make().privateKey.export({ format: 'der', type: 'pkcs8' });
  const bytes = new Uint8Array(new ArrayBuffer(der.length));
  bytes.set(der);
  return bytes;
}

/** @param {Uint8Array} der */
export const keyObjectOf = (der) => {
  const key = Buffer.from(der);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
};

/**
 * A signature with a key that lies in its page, beside the two things that it is measured against: a signature with a
 * key that is kept, and one import of that key, both by the library that the backend calls.
 *
 * @param {string} name @param {keyof typeof KINDS} algorithm
 * @param {(name: string) => import('./case.d.mts').Term[]} atMost
 * @returns {import('./case.d.mts').Case}
 */
export function signingCase(name, algorithm, atMost) {
  return {
    name,
    what: `200 bytes signed by ${algorithm}, the key in its page`,
    subjects: {
      ...forEachBackend(async (backend) => {
        const memory = createAllocator({ backend });
        const { secret } = await memory.fromDer(derOf(algorithm));
        return {
          run(count) {
            for (let n = 0; n < count; n += 1) sign(algorithm, secret, message);
          },
          close: () => memory.close(),
        };
      }),
      'key-object': () => {
        const key = keyObjectOf(derOf(algorithm));
        const { hash } = KINDS[algorithm];
        return {
          run(count) {
            for (let n = 0; n < count; n += 1) signOfNode(hash, message, key);
          },
        };
      },
      import: () => {
        const der = derOf(algorithm);
        return {
          run(count) {
            for (let n = 0; n < count; n += 1) keyObjectOf(der);
          },
        };
      },
    },
    targets: forEachSubject(() => atMost(name)),
  };
}

/** A key that is kept, and one import of it. @param {string} name */
export const keptAndImported = (name) => [
  { times: 1.15, name, subject: 'key-object' },
  { times: 1.15, name, subject: 'import' },
];
