/**
 * The package in threads that come and go, and nowhere else: OpenSSL keeps what they gave it, so it must stay where it is. Says in one line of
 * JSON what ordinary keys do after the last one has ended.
 */
import { createPrivateKey, sign } from 'node:crypto';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const message = Buffer.from('a message');

if (isMainThread) {
  const { forgetFetches, servedBy } = await import('./fetches.mjs');
  const { ordinaryFailures } = await import('./ordinary.mjs');
  const keys = [];
  /** @type {string[]} */
  const said = [];
  for (const ends of [
    ['exit', 'exit'],
    ['terminate', 'exit', 'terminate', 'end'],
  ]) {
    const threads = ends.map(
      (how) => new Worker(new URL(import.meta.url), { workerData: { how } }),
    );
    const pems = await Promise.all(
      threads.map(
        (thread) =>
          new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject)),
      ),
    );
    keys.push(...pems.map((pem) => createPrivateKey(pem)));
    for (const key of keys.slice(-ends.length))
      said.push(sign('sha256', message, key).length > 0 ? 'signed' : '');
    for (const [i, thread] of threads.entries()) {
      const exit = new Promise((resolve) => thread.once('exit', resolve));
      thread.postMessage('end');
      if (ends[i] === 'terminate') thread.terminate();
      await exit;
    }
  }
  const ended = keys.map((key) => {
    try {
      return String(sign('sha256', message, key).length);
    } catch (error) {
      return /** @type {NodeJS.ErrnoException} */ (error).code;
    }
  });
  const failures = await ordinaryFailures();
  forgetFetches();
  failures.push(...(await ordinaryFailures()));
  console.log(JSON.stringify({ said, ended, failures, served: servedBy('EC') }));
} else {
  const { createAllocator, toTlsKey } = await import('@securemem/core');
  const { napiBackend } = await import('@securemem/napi');
  const { identities } = await import('./identities.mjs');
  const memory = createAllocator({ backend: napiBackend() });
  const { secret } = await memory.fromPem(Buffer.from(identities['P-256'].key));
  const pem = toTlsKey(secret, { tlsOnly: true });
  sign('sha256', message, pem);
  const { how } = workerData;
  parentPort?.once('message', () => {
    if (how === 'exit') process.exit();
    if (how === 'terminate') sign('sha256', message, pem, () => {});
    else parentPort?.unref();
  });
  parentPort?.postMessage(pem);
}
