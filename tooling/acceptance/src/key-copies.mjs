/** The cases of `copies.mjs` that are about private keys and passwords. */
import { createPrivateKey, sign as signOfNode } from 'node:crypto';
import {
  argon2,
  diffieHellman,
  isSecureMemoryError,
  pbkdf2,
  publicKey,
  scrypt,
  sign,
  signAsync,
} from '@securemem/core';
import { offHeap } from './marked-input.mjs';
import { markerOf } from './memory-scan.mjs';

/** @typedef {import('./copies.d.mts').CopyCase} CopyCase */
/** @typedef {import('@securemem/core').Secret} Secret */

const ROUNDS = 20;
const salt = Buffer.alloc(16, 7);

/** The scalar of X25519 as it is multiplied by (RFC 7748, section 5). @param {Secret} key */
const clamped = (key) =>
  key.read((bytes) => {
    const scalar = offHeap(32);
    scalar.set(bytes);
    scalar[0] = Number(scalar[0]) & 248;
    scalar[31] = (Number(scalar[31]) & 127) | 64;
    // Where the clamped end is that of the key itself, the page has it.
    const same = scalar[31] === bytes[31];
    const forms = same ? [] : [markerOf(scalar)];
    scalar.fill(0);
    return forms;
  });

/** @param {() => unknown} fn */
async function often(fn) {
  for (let round = 0; round < ROUNDS; round++) await fn();
}

/** The private key of `node:crypto` for a number of P-256, whose copy in DER is wiped. @param {Secret} secret */
const keyObjectOf = (secret) =>
  secret.read((bytes) => {
    const [before, behind] = ['30310201010420', 'a00a06082a8648ce3d030107'];
    const der = Buffer.from(offHeap(51).buffer);
    der.write(before, 'hex');
    der.set(bytes, 7);
    der.write(behind, 39, 'hex');
    const key = createPrivateKey({ key: der, format: 'der', type: 'sec1' });
    der.fill(0);
    return key;
  });

/** @param {Promise<Secret>} derived */
const whereItIs = (derived) =>
  derived.catch((/** @type {unknown} */ error) => {
    if (isSecureMemoryError(error, 'ERR_SECMEM_NOT_SUPPORTED')) return undefined;
    throw error;
  });

/** @type {readonly CopyCase[]} */
export const keyConsumers = [
  {
    name: '`sign` by Ed25519',
    use: (secret) => often(() => sign('Ed25519', secret, 'data')),
  },
  { name: '`sign` by ES256', use: (secret) => often(() => sign('ES256', secret, 'data')) },
  { name: '`sign` by ES256K', use: (secret) => often(() => sign('ES256K', secret, 'data')) },
  { name: '`signAsync` by ES256', use: (secret) => signAsync('ES256', secret, 'data') },
  {
    name: '`publicKey` of Ed25519',
    use: (secret) => often(() => publicKey('Ed25519', secret)),
  },
  { name: '`publicKey` of P-256', use: (secret) => often(() => publicKey('P-256', secret)) },
  {
    name: '`diffieHellman` by X25519, of the key',
    forms: clamped,
    use: (secret, { other }) => diffieHellman('X25519', secret, publicKey('X25519', other)),
  },
  {
    name: '`diffieHellman` by ECDH-P-256, of the key',
    use: (secret, { other }) => diffieHellman('ECDH-P-256', secret, publicKey('P-256', other)),
  },
  {
    name: '`scrypt`, of the password',
    use: (secret) => scrypt(secret, { byteLength: 32, salt, cost: 1024 }),
  },
  {
    name: '`pbkdf2`, of the password',
    use: (secret) => pbkdf2('sha256', secret, { byteLength: 32, salt, iterations: 1000 }),
  },
  {
    name: '`argon2`, of the password',
    use: (secret) =>
      whereItIs(argon2('argon2id', secret, { byteLength: 32, salt, memory: 1024, passes: 1 })),
  },
];

/** @type {readonly CopyCase[]} */
export const keyResults = [
  {
    name: '`pbkdf2` of one round, of the result',
    into: (memory) =>
      pbkdf2('sha256', memory.randomSync(32), { byteLength: 32, salt, iterations: 1 }),
    own: true,
  },
  {
    name: '`diffieHellman`, of the result',
    into: (memory) => {
      const [key, peer] = [memory.randomSync(32), memory.randomSync(32)];
      return diffieHellman('X25519', key, publicKey('X25519', peer));
    },
    own: true,
  },
  {
    name: '`scrypt`, of the result',
    into: (memory) => scrypt(memory.randomSync(32), { byteLength: 32, salt, cost: 1024 }),
    own: true,
  },
  {
    name: '`pbkdf2`, of the result',
    into: (memory) =>
      pbkdf2('sha256', memory.randomSync(32), { byteLength: 32, salt, iterations: 1000 }),
    own: true,
  },
];

/** @type {readonly CopyCase[]} */
export const keyControls = [
  {
    name: '`crypto.createPrivateKey` of a number of P-256, and `crypto.sign`',
    use(secret) {
      const key = keyObjectOf(secret);
      signOfNode('sha256', Buffer.from('data'), key);
      return key;
    },
  },
];
