/**
 * Uses a key by its reference in every way, and waits, so that a test can look through its memory: `used.mjs <type> <signatures> <handshakes>
 * [ordinary]`. Says `used`, with what it had in use after a tenth of that and then all of it, and after a line `ended`. With `ordinary` the key is one of `node:crypto`, as a control.
 */
import { createPrivateKey, sign } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { createAllocator, toTlsKey } from '@securemem/core';
import { napiBackend } from '@securemem/napi';
import { handshake } from './handshake.mjs';
import { identities } from './identities.mjs';

const [type, signatures, handshakes, how] = process.argv.slice(2);
const { key: text, certificate } = identities[/** @type {keyof typeof identities} */ (type)];
// Root reads these pages too: a test counts what lies in them, and beside.
const memory = createAllocator({ backend: napiBackend({ kernelHidden: 'off' }) });
const { secret } = await memory.fromPem(Buffer.from(text));
const ordinary = how === 'ordinary' ? createPrivateKey(text) : undefined;
const key = ordinary ?? toTlsKey(secret, { tlsOnly: true });
const digest = type === 'Ed25519' ? null : 'sha256';
const message = Buffer.from('a message');

/** @param {number} of */
async function work(of) {
  const [synchronous, shaken] = [Number(signatures) / of, Number(handshakes) / of];
  for (let i = 0; i < synchronous; i++) sign(digest, message, key);
  for (let i = 0; i < synchronous; i += 8) {
    await Promise.all(
      Array.from(
        { length: 8 },
        () => new Promise((resolve) => sign(digest, message, key, resolve)),
      ),
    );
  }
  if (ordinary !== undefined) return;
  for (const version of /** @type {const} */ (['TLSv1.2', 'TLSv1.3'])) {
    for (let i = 0; i < shaken; i++)
      await handshake({ key: /** @type {string} */ (key), certificate }, version);
  }
}

async function inUse() {
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc?.();
  }
  return {
    heapUsed: process.memoryUsage().heapUsed,
    descriptors: readdirSync('/proc/self/fd').length,
  };
}

await work(10);
const start = await inUse();
await work(1);
console.log(JSON.stringify({ said: 'used', start, end: await inUse() }));
process.stdin.once('data', () => {
  secret.dispose();
  console.log(JSON.stringify({ said: 'ended' }));
});
