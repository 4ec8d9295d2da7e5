import { createPrivateKey, sign as signOfNode } from 'node:crypto';
import { connect, createServer } from 'node:tls';
import { createAllocator, sign, toTlsKey } from '@securemem/core';
import { derOf, KINDS, keyObjectOf, message } from './private-keys.mjs';

/** @typedef {'accessible' | 'no-access'} AtRest */

/** @param {AtRest} atRest @param {keyof typeof KINDS} algorithm */
async function openKey(atRest, algorithm) {
  const { napiBackend } = await import('@securemem/napi');
  const memory = createAllocator({ backend: napiBackend(), atRest });
  const { secret } = await memory.fromDer(derOf(algorithm));
  return { memory, secret };
}

/** @param {keyof typeof KINDS} algorithm @param {import('node:crypto').KeyObject} key */
function signingLoop(algorithm, key, close = () => {}) {
  const { hash } = KINDS[algorithm];
  return {
    run(/** @type {number} */ count) {
      for (let n = 0; n < count; n += 1) signOfNode(hash, message, key);
    },
    close,
  };
}

/** @param {AtRest} atRest @param {keyof typeof KINDS} algorithm @returns {import('./case.d.mts').OpenLoop} */
const byReference = (atRest, algorithm) => async () => {
  const { memory, secret } = await openKey(atRest, algorithm);
  const key = createPrivateKey(toTlsKey(secret, { tlsOnly: true }));
  return signingLoop(algorithm, key, () => memory.close());
};

/** @param {AtRest} atRest @param {keyof typeof KINDS} algorithm @returns {import('./case.d.mts').OpenLoop} */
const inPlace = (atRest, algorithm) => async () => {
  const { memory, secret } = await openKey(atRest, algorithm);
  return {
    run(count) {
      for (let n = 0; n < count; n += 1) sign(algorithm, secret, message);
    },
    close: () => memory.close(),
  };
};

/**
 * A signature by `node:crypto` with a reference, beside one by `sign` with the same key in its page, open and closed at rest, and one
 * with a key that is kept.
 *
 * @param {string} name @param {keyof typeof KINDS} algorithm @param {number} times of the same key in its page
 * @returns {import('./case.d.mts').Case}
 */
export function referenceCase(name, algorithm, times) {
  return {
    name,
    what: `200 bytes signed by ${algorithm}, the key a reference`,
    subjects: {
      reference: byReference('accessible', algorithm),
      'reference-no-access': byReference('no-access', algorithm),
      'in-place': inPlace('accessible', algorithm),
      'in-place-no-access': inPlace('no-access', algorithm),
      'key-object': () => signingLoop(algorithm, keyObjectOf(derOf(algorithm))),
    },
    targets: [{ subject: 'reference', atMost: [{ times, name, subject: 'in-place' }] }],
  };
}

/** Handshakes one after the other, server and client in one process. @param {string} key @param {string} certificate */
async function shakingLoop(key, certificate, close = () => {}) {
  const server = createServer({ key, cert: certificate, minVersion: 'TLSv1.3' }, (socket) => {
    socket.on('error', () => {});
    socket.end('hello');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const to = { port, host: '127.0.0.1', servername: 'localhost', ca: certificate };
  const once = () =>
    new Promise((resolve, reject) => {
      const socket = connect(to);
      socket.on('error', reject).resume().on('close', resolve);
    });
  return {
    async run(/** @type {number} */ count) {
      for (let n = 0; n < count; n += 1) await once();
    },
    close() {
      server.close();
      return close();
    },
  };
}

/** @param {string} name @param {{ key: string, certificate: string }} identity @returns {import('./case.d.mts').Case} */
export function handshakeCase(name, { key, certificate }) {
  /** @param {AtRest} atRest @returns {import('./case.d.mts').OpenLoop} */
  const byReference = (atRest) => async () => {
    const { napiBackend } = await import('@securemem/napi');
    const memory = createAllocator({ backend: napiBackend(), atRest });
    const { secret } = await memory.fromPem(Buffer.from(key));
    return shakingLoop(toTlsKey(secret, { tlsOnly: true }), certificate, () => memory.close());
  };
  return {
    name,
    what: 'a TLS 1.3 handshake, server and client, the key of the server a reference',
    subjects: {
      reference: byReference('accessible'),
      'reference-no-access': byReference('no-access'),
      'key-object': () => shakingLoop(key, certificate),
    },
    targets: [{ subject: 'reference', atMost: [{ times: 1.25, name, subject: 'key-object' }] }],
  };
}
