/**
 * A program that sends one secret and receives another over TLS, which another process then looks at:
 * `https.mjs BACKEND CLIENT ORIGIN CA_FILE TOKEN`, where TOKEN is a masked marker. It says what came of it in one line of JSON,
 * and lives until its standard input ends.
 */
import { readFileSync } from 'node:fs';
import { get } from 'node:https';
import { createAllocator } from '@securemem/core';
import { openBackend } from '../backends.mjs';
import { bytesOf } from '../marked-input.mjs';
import { markerFromMasked } from '../memory-scan.mjs';
import { fetchSecret } from './example.mjs';

const [backendName = '', client = '', origin = '', caFile = '', masked = ''] =
  process.argv.slice(2);

/** What is held while somebody looks. @type {unknown[]} */
const held = [];
const backend = openBackend(backendName);
const memory = createAllocator({ backend });
const ca = readFileSync(caFile, 'utf8');
const url = new URL('/v1/secret/data/app', origin);
const pointer = '/data/data/password';

/** @type {Record<string, () => Promise<unknown>>} */
const clients = {
  /** The example, against a server that speaks like Vault, or takes a bearer token. */
  async vault() {
    const token = await memory.adopt(bytesOf(markerFromMasked(masked)));
    const header = 'X-Vault-Token: ';
    const outcome = fetchSecret(memory, url, { token, pointer, ca, header, waitMsMax: 60_000 });
    return settle(token, outcome);
  },
  async bearer() {
    const token = await memory.adopt(bytesOf(markerFromMasked(masked)));
    return settle(token, fetchSecret(memory, url, { token, pointer, ca, waitMsMax: 60_000 }));
  },
  /** With a bound on time and length that a bad server passes. */
  async bounded() {
    const token = await memory.adopt(bytesOf(markerFromMasked(masked)));
    const bounds = { waitMsMax: 2_000, byteLengthMax: 8_192 };
    return settle(token, fetchSecret(memory, url, { token, pointer, ca, ...bounds }));
  },
  /** What people do. */
  async usual() {
    const token = bytesOf(markerFromMasked(masked)).reduce(
      (text, byte) => text + String.fromCharCode(byte),
      '',
    );
    const body = await new Promise((resolve, reject) => {
      get(url, { ca, headers: { authorization: `Bearer ${token}` } }, (response) => {
        let text = '';
        response
          .setEncoding('utf8')
          .on('data', (part) => (text += part))
          .once('end', () => resolve(text));
      }).once('error', reject);
    });
    held.push(token, JSON.parse(body));
    return { locked: false };
  },
};

/** @param {import('@securemem/core').Secret} token @param {Promise<import('@securemem/core').Secret>} outcome */
async function settle(token, outcome) {
  const result = await outcome.then(
    (secret) => ({ byteLength: secret.byteLength }),
    (error) => ({
      name: error.name,
      code: error.code,
      message: error.message,
      cause: String(error.cause),
    }),
  );
  token.dispose();
  return { ...result, secrets: memory.stats().secrets };
}

const said = await clients[client]?.();
process.stdout.write(`${JSON.stringify(said)}\n`);
process.stdin.resume().once('end', () => process.exit(0));
