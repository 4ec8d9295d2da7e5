/**
 * References that nobody gave out, that have ended, or that are another thread's. Says in one line of JSON what came of each.
 */
import { createPrivateKey, randomBytes, sign, verify } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { createAllocator, publicKey, toTlsKey } from '@securemem/core';
import { napiBackend } from '@securemem/napi';
import { identities } from './identities.mjs';

const message = Buffer.from('a message');

/** @param {() => unknown} run */
function endOf(run) {
  try {
    return String(run());
  } catch (error) {
    return String(/** @type {NodeJS.ErrnoException} */ (error).code ?? error);
  }
}

async function reference() {
  const memory = createAllocator({ backend: napiBackend() });
  const { secret } = await memory.fromPem(Buffer.from(identities['P-256'].key));
  return { secret, pem: toTlsKey(secret, { tlsOnly: true }), verifier: publicKey('P-256', secret) };
}

if (isMainThread) {
  console.log(JSON.stringify(await seen()));
} else {
  const { pem } = await reference();
  parentPort?.once('message', () => process.exit());
  parentPort?.postMessage(pem);
}

async function seen() {
  const { secret, pem, verifier } = await reference();
  const id = /** @type {string} */ (pem.split('\n')[1]);
  const signs = (/** @type {any} */ key) =>
    endOf(() => verify('sha256', message, verifier, sign('sha256', message, key)));
  const changed = (/** @type {string} */ other) => pem.replace(id, other);
  const flipped = id.replace(/^./, (digit) => (Number.parseInt(digit, 16) ^ 1).toString(16));
  /** @type {Record<string, unknown>} */
  const ends = {
    'as it is': signs(pem),
    'as bytes, behind blanks, with other ends of lines': signs(
      Buffer.from(` \n${pem.replaceAll('\n', '\r\n')}`),
    ),
    'with a passphrase': signs({ key: pem, passphrase: 'x' }),
    guessed:
      Array.from({ length: 1000 }, () => signs(changed(randomBytes(16).toString('hex')))).find(
        (end) => end !== 'ERR_OSSL_UNSUPPORTED',
      ) ?? 'ERR_OSSL_UNSUPPORTED',
    'with one bit changed': signs(changed(flipped)),
    'in capitals': signs(changed(id.toUpperCase())),
    'too short': signs(changed(id.slice(1))),
    'too long': signs(changed(`${id}0`)),
    'with nothing in it': signs(changed('')),
    'without its label': signs(id),
    'as DER': signs({ key: Buffer.from(id, 'hex'), format: 'der', type: 'pkcs8' }),
    'as the address of a key': signs(changed(`${'00'.repeat(8)}0100000000000000`)),
    'inside another label': signs(pem.replaceAll('SECUREMEM KEY REFERENCE', 'PRIVATE KEY')),
    'as a public key of its own label': endOf(() => createSecureContext({ cert: pem })),
  };
  ends['another thread'] = await ofAnotherThread();
  secret.dispose();
  ends['after its end'] = signs(pem);
  ends['after its end, in TLS'] = endOf(() => createSecureContext({ key: pem }));
  return ends;
}

/** Signs with a reference of a thread while that runs, and after it ended. */
async function ofAnotherThread() {
  const worker = new Worker(new URL(import.meta.url));
  const pem = /** @type {string} */ (
    await new Promise((resolve) => worker.once('message', resolve))
  );
  const key = createPrivateKey(pem);
  const during = [pem, key].map((with_) => endOf(() => sign('sha256', message, with_).length > 0));
  const exit = new Promise((resolve) => worker.once('exit', resolve));
  worker.postMessage('end');
  await exit;
  return [...during, ...[pem, key].map((with_) => endOf(() => sign('sha256', message, with_)))];
}
