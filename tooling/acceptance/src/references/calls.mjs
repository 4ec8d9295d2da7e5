/**
 * One call with a reference, so that a test can see it end the process: `calls.mjs <type> <name>`. Says how it ended: `yes`, or the code of
 * the error. `toTlsKey` with `tlsOnly` gives the reference, on every Node: what is tried here is what its page warns of.
 */
import {
  constants,
  createPrivateKey,
  createPublicKey,
  createSign,
  diffieHellman,
  generateKeyPairSync,
  privateDecrypt,
  publicEncrypt,
  sign,
  verify,
  webcrypto,
} from 'node:crypto';
import { createAllocator, publicKey, toTlsKey } from '@securemem/core';
import { napiBackend } from '@securemem/napi';
import { identities } from './identities.mjs';

const message = Buffer.from('a message');
/** @typedef {'P-256' | 'P-384' | 'Ed25519' | 'RSA' | 'X25519'} Type */

/** @type {Readonly<Record<string, (pem: string, type: Type, verifier: import('node:crypto').KeyObject) => unknown>>} */
const CALLS = {
  'crypto.sign': (pem, type, verifier) =>
    verify(digestOf(type), message, verifier, sign(digestOf(type), message, pem)),
  'crypto.sign, callback': (pem, type, verifier) =>
    new Promise((resolve, reject) => {
      sign(digestOf(type), message, pem, (error, signature) => {
        if (error) reject(error);
        else resolve(verify(digestOf(type), message, verifier, signature));
      });
    }),
  'crypto.sign, ieee-p1363': (pem, type, verifier) => {
    const by = { dsaEncoding: /** @type {const} */ ('ieee-p1363') };
    return verify(
      digestOf(type),
      message,
      { key: verifier, ...by },
      sign(digestOf(type), message, { key: pem, ...by }),
    );
  },
  'crypto.sign, PSS': (pem, type, verifier) => {
    const by = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    return verify(
      digestOf(type),
      message,
      { key: verifier, ...by },
      sign(digestOf(type), message, { key: pem, ...by }),
    );
  },
  createSign: (pem, _, verifier) =>
    verify('sha256', message, verifier, createSign('sha256').update(message).sign(pem)),
  createPrivateKey: (pem) => createPrivateKey(pem).type === 'private',
  asymmetricKeyDetails: (pem) => createPrivateKey(pem).asymmetricKeyDetails !== undefined,
  'createPublicKey, SPKI': (pem, _, verifier) =>
    createPublicKey(createPrivateKey(pem)).export({ format: 'pem', type: 'spki' }) ===
    verifier.export({ format: 'pem', type: 'spki' }),
  equals: (pem) => createPrivateKey(pem).equals(createPrivateKey(pem)),
  structuredClone: (pem, type, verifier) =>
    verify(
      digestOf(type),
      message,
      verifier,
      sign(digestOf(type), message, structuredClone(createPrivateKey(pem))),
    ),
  'export, PKCS#8': (pem) =>
    refuses(() => createPrivateKey(pem).export({ format: 'pem', type: 'pkcs8' })),
  'export, JWK': (pem) => {
    const jwk = createPrivateKey(pem).export({ format: 'jwk' });
    return jwk.d === undefined ? 'a JWK without d' : 'THE KEY';
  },
  'public export, JWK': (pem) =>
    createPublicKey(createPrivateKey(pem)).export({ format: 'jwk' }).d === undefined,
  'toCryptoKey, subtle.sign': async (pem, type) => {
    if (!('toCryptoKey' in createPrivateKey(pem))) return 'there is none';
    const by =
      type === 'RSA'
        ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
        : type === 'Ed25519'
          ? { name: 'Ed25519' }
          : { name: 'ECDSA', namedCurve: type, hash: 'SHA-256' };
    const key = /** @type {any} */ (createPrivateKey(pem)).toCryptoKey(by, false, ['sign']);
    return (await webcrypto.subtle.sign(by, key, message)).byteLength > 0;
  },
  diffieHellman: (pem, type, verifier) => {
    const make = {
      X25519: () => generateKeyPairSync('x25519'),
      'P-256': () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
      'P-384': () => generateKeyPairSync('ec', { namedCurve: 'secp384r1' }),
    };
    const other = make[/** @type {'X25519'} */ (type)]();
    const ours = diffieHellman({ privateKey: createPrivateKey(pem), publicKey: other.publicKey });
    return ours.equals(diffieHellman({ privateKey: other.privateKey, publicKey: verifier }));
  },
  'privateDecrypt, OAEP': (pem, _, verifier) =>
    refuses(() => privateDecrypt(pem, publicEncrypt(verifier, message))),
};

/** @param {() => unknown} run */
function refuses(run) {
  try {
    run();
  } catch (error) {
    return `refused: ${/** @type {NodeJS.ErrnoException} */ (error).code}`;
  }
  return 'NOT REFUSED';
}

/** @param {Type} type */
const digestOf = (type) => (type === 'Ed25519' ? null : 'sha256');

const [type, name] = /** @type {[Type, string]} */ (process.argv.slice(2));
const memory = createAllocator({ backend: napiBackend() });
const secret =
  type === 'X25519'
    ? memory.randomSync(32)
    : (await memory.fromPem(Buffer.from(identities[type].key))).secret;
const pem = toTlsKey(secret, { tlsOnly: true, type });
/** @type {unknown} */
let ended;
try {
  ended = await CALLS[name]?.(pem, type, publicKey(type, secret));
} catch (error) {
  ended = /** @type {NodeJS.ErrnoException} */ (error).code ?? /** @type {Error} */ (error).message;
}
console.log(JSON.stringify({ ended: ended === true ? 'yes' : String(ended) }));
