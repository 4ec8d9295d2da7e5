import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { createAllocator, diffieHellman, sign, signAsync } from '@securemem/core';
import { isAgreementAlgorithm, keyTypeOf } from '@securemem/core/contract';
import { openBackend } from './backends.mjs';

/**
 * A process that takes keys out of files, uses them by each algorithm and holds them, for another that scans its memory: `key-reader.mjs BACKEND LIST`. It says
 * `no keys` where the backend cannot use any, otherwise `held`, and when it is told to go on it gives everything back and says `gone`.
 *
 * @typedef {import('./key-cases.js').KeyCase} KeyCase
 */
const ROUNDS = 20;
const [backendName = '', list = ''] = process.argv.slice(2);
/** @type {{ passphrase: string, cases: readonly KeyCase[] }} */
const { passphrase: passphrasePath, cases } = JSON.parse(readFileSync(list, 'utf8'));

const backend = openBackend(backendName);
if (backend.capabilities.keys.length === 0) {
  process.stdout.write('no keys\n');
  process.exit(0);
}
const memory = createAllocator({ backend, exitHooks: false });
const passphrase = await memory.fromFile(passphrasePath);
/** What a program keeps. @type {unknown[]} */
const held = [];

for (const { door, path, how, refused, encrypted } of cases) {
  if (how === 'node:crypto') {
    held.push(createPrivateKey(readFileSync(path)));
    continue;
  }
  const source =
    how === 'bytes' ? readFileSync(path) : how === 'descriptor' ? openSync(path, 'r') : path;
  const key = memory[door](source, encrypted ? { passphrase } : {});
  const outcome = await key.catch((/** @type {unknown} */ error) => error);
  if (outcome instanceof Error !== refused) throw outcome;
  // The caller's own bytes are as they were after a refusal, and are the caller's to wipe.
  if (typeof source === 'object') source.fill(0);
  if (!refused) await use(/** @type {import('@securemem/core').ImportedKey} */ (outcome));
  held.push(outcome);
}
await say('held');
memory.purge();
await say('gone');
process.exit(0);

/** Often enough that what is left now and then is left. @param {import('@securemem/core').ImportedKey} key */
async function use({ type, secret, publicKey }) {
  for (const algorithm of backend.capabilities.keys.filter((name) => keyTypeOf(name) === type)) {
    for (let round = 0; round < ROUNDS; round++) {
      if (isAgreementAlgorithm(algorithm)) {
        (await diffieHellman(algorithm, secret, publicKey)).dispose();
      } else {
        sign(algorithm, secret, 'data');
        await signAsync(algorithm, secret, 'data');
      }
    }
  }
}

/** @param {string} word */
async function say(word) {
  await new Promise((resolve) => setImmediate(resolve));
  process.stdout.write(`${word}\n`);
  await once(process.stdin, 'data');
}
