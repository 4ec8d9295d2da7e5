/**
 * Many threads sign by references of one allocator while it ends them, one by one or all at once: `ends.mjs <signatures> <how>`. One line of
 * JSON: how many signatures were made, how many were refused, and with what.
 */
import { sign, verify } from 'node:crypto';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { createAllocator, publicKey, toTlsKey } from '@securemem/core';
import { napiBackend } from '@securemem/napi';
import { identities } from './identities.mjs';

const message = Buffer.from('a message');
const TYPES = /** @type {const} */ (['P-256', 'Ed25519', 'RSA']);

/** @typedef {{ pem: string, digest: string | null, verifier: string }} Named */

/** @param {unknown} error */
const reasonOf = (error) =>
  /SECUREMEM_\w+|key has ended|UNSUPPORTED|unsupported/i.exec(
    `${/** @type {any} */ (error).code} ${/** @type {Error} */ (error).message}`,
  )?.[0] ?? String(error);

/** Signs in the pool, `at` of them at once, and tells what became of each. @param {readonly Named[]} named @param {number} count */
async function signMany(named, count, at = 8) {
  /** @type {{ done: number, bad: number, refused: number, reasons: string[] }} */
  const told = { done: 0, bad: 0, refused: 0, reasons: [] };
  let begun = 0;
  const one = () =>
    new Promise((resolve) => {
      const { pem, digest, verifier } = /** @type {Named} */ (named[begun % named.length]);
      const checked = begun++ % 97 === 0;
      const settle = (
        /** @type {unknown} */ error,
        /** @type {Buffer | undefined} */ signature,
      ) => {
        if (error) {
          told.refused++;
          const reason = reasonOf(error);
          if (!told.reasons.includes(reason)) told.reasons.push(reason);
        } else if (checked && !verify(digest, message, verifier, /** @type {Buffer} */ (signature)))
          told.bad++;
        else told.done++;
        resolve(undefined);
      };
      try {
        sign(digest, message, pem, settle);
      } catch (error) {
        settle(error, undefined);
      }
    });
  const lane = async () => {
    while (begun < count) await one();
  };
  await Promise.all(Array.from({ length: at }, lane));
  return told;
}

if (!isMainThread) {
  const { named, count } = workerData;
  parentPort?.postMessage('begun');
  parentPort?.postMessage(await signMany(named, count));
} else {
  const [count, how] = [Number(process.argv[2] ?? 2000), process.argv[3] ?? 'not'];
  const memory = createAllocator({
    backend: napiBackend({ kernelHidden: 'off' }),
    atRest: 'no-access',
  });
  const secrets = [];
  /** @type {Named[]} */
  const named = [];
  for (const type of TYPES) {
    const { secret } = await memory.fromPem(Buffer.from(identities[type].key));
    secrets.push(secret);
    const verifier = /** @type {string} */ (
      publicKey(type, secret).export({ format: 'pem', type: 'spki' })
    );
    named.push({
      pem: toTlsKey(secret, { tlsOnly: true }),
      digest: type === 'Ed25519' ? null : 'sha256',
      verifier,
    });
  }
  const threads = Array.from({ length: 3 }, () => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { named, count } });
    const begun = new Promise((resolve) => worker.once('message', resolve));
    const told = begun.then(() => new Promise((resolve) => worker.once('message', resolve)));
    return { begun, told, worker };
  });
  await Promise.all(threads.map(({ begun }) => begun));
  const own = signMany(named, count);
  // The main thread opens and closes the same pages meanwhile, and gives others of them away.
  for (let i = 0; i < 50; i++) {
    for (const secret of secrets) secret.read((bytes) => bytes[0]);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const stats = memory.stats().keyReferences;
  if (how === 'dispose') for (const secret of secrets) secret.dispose();
  if (how === 'purge') memory.purge();
  if (how === 'close') await memory.close();
  if (how === 'write') for (const secret of secrets) secret.write((bytes) => bytes.fill(1));
  if (how === 'terminate') await threads[0]?.worker.terminate();
  const rest = how === 'terminate' ? threads.slice(1) : threads;
  /** @type {Record<string, unknown>} */
  const after = {};
  for (const [i, type] of TYPES.entries()) {
    try {
      sign(named[i]?.digest ?? null, message, /** @type {Named} */ (named[i]).pem);
      after[type] = 'signed';
    } catch (error) {
      after[type] = /** @type {NodeJS.ErrnoException} */ (error).code;
    }
  }
  const told = /** @type {any[]} */ (await Promise.all([own, ...rest.map(({ told }) => told)]));
  const sum = (/** @type {string} */ name) => told.reduce((total, one) => total + one[name], 0);
  const reasons = [...new Set(told.flatMap((one) => one.reasons))];
  console.log(
    JSON.stringify({
      asked: count * told.length,
      done: sum('done'),
      bad: sum('bad'),
      refused: sum('refused'),
      reasons,
      after,
      stats,
      left: memory.stats().keyReferences,
    }),
  );
  process.exit(0);
}
