/** HTTPS servers whose key is a reference, one for each type: says their ports in one line of JSON, and goes on until its input ends. */
import { createServer } from 'node:https';
import { createAllocator, toTlsKey } from '@securemem/core';
import { napiBackend } from '@securemem/napi';
import { identities } from './identities.mjs';

const memory = createAllocator({ backend: napiBackend() });
/** @type {Record<string, number>} */
const ports = {};
for (const type of /** @type {const} */ (['P-256', 'P-384', 'Ed25519', 'RSA'])) {
  const { secret } = await memory.fromPem(Buffer.from(identities[type].key));
  const server = createServer(
    { key: toTlsKey(secret, { tlsOnly: true }), cert: identities[type].certificate },
    (_, response) => response.setHeader('connection', 'close').end(`hello by ${type}`),
  );
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  ports[type] = /** @type {import('node:net').AddressInfo} */ (server.address()).port;
}
console.log(JSON.stringify(ports));
process.stdin.resume().once('end', () => process.exit());
