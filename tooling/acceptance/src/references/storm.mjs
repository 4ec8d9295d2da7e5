/**
 * Handshakes with references, many at once: `storm.mjs <handshakes> <at once>`. Servers of every type, TLS 1.2 and 1.3 in turns. Says in one
 * line of JSON how many were made and what failed, and how heap and descriptors were after the first tenth and at the end.
 */
import { readdirSync } from 'node:fs';
import { connect, createServer } from 'node:tls';
import { createAllocator, toTlsKey } from '@securemem/core';
import { napiBackend } from '@securemem/napi';
import { identities } from './identities.mjs';

const [count, atOnce] = [Number(process.argv[2] ?? 10_000), Number(process.argv[3] ?? 50)];
const VERSIONS = /** @type {const} */ (['TLSv1.2', 'TLSv1.3']);
const memory = createAllocator({
  backend: napiBackend({ kernelHidden: 'off' }),
  atRest: 'no-access',
});
const servers = [];
for (const type of /** @type {const} */ (['P-256', 'Ed25519', 'RSA'])) {
  const { secret } = await memory.fromPem(Buffer.from(identities[type].key));
  const { certificate } = identities[type];
  const key = toTlsKey(secret, { tlsOnly: true });
  const server = createServer({ key, cert: certificate }, (socket) => {
    socket.on('error', () => {});
    socket.end('hello');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  servers.push({ server, port, certificate });
}

/** @type {string[]} */
const failures = [];
let [begun, done] = [0, 0];

/** One after the other, each in a connection of its own. @param {number} until */
async function lane(until) {
  while (begun < until) {
    const i = begun++;
    const { port, certificate } = /** @type {(typeof servers)[number]} */ (
      servers[i % servers.length]
    );
    const version = VERSIONS[i % 2];
    await new Promise((resolve) => {
      const socket = connect({
        port,
        host: '127.0.0.1',
        servername: 'localhost',
        ca: certificate,
        minVersion: version,
        maxVersion: version,
      });
      socket.on('error', (error) => failures.push(String(error)));
      socket.on('data', () => {
        done++;
      });
      socket.on('close', resolve);
    });
  }
}

async function settled() {
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc?.();
  }
  const { heapUsed } = process.memoryUsage();
  const descriptors = readdirSync('/proc/self/fd').length;
  return { heapUsed, descriptors, locked: memory.stats().primary.lockedByteLength };
}

/** @param {number} until */
const handshakes = (until) => Promise.all(Array.from({ length: atOnce }, () => lane(until)));

await handshakes(Math.ceil(count / 10));
const start = await settled();
await handshakes(count);
const end = await settled();
for (const { server } of servers) server.close();
await memory.close();
console.log(JSON.stringify({ done, failures: failures.slice(0, 5), start, end }));
