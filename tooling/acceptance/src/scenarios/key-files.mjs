import { generateKeyPairSync } from 'node:crypto';
import { createAllocator } from '@securemem/core';

/** Key files where every page that may be locked is taken: K4. */

/** @typedef {{ open: () => import('@securemem/core').MemoryBackend }} Context */

/** @param {Context} context */
export async function underQuota({ open }) {
  const memory = createAllocator({ backend: open(), admission: { waitMsMax: 60_000 } });
  const held = [];
  let limit = '';
  while (limit === '') {
    try {
      held.push(memory.allocateSync(4096, { onCapacity: 'throw' }));
    } catch (error) {
      limit = /** @type {{ code: string }} */ (error).code;
    }
  }
  const pages = held.length;
  const keys = [
    generateKeyPairSync('ed25519').privateKey,
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  ];
  const outcomes = [];
  for (const key of keys) {
    const file = key.export({ format: 'der', type: 'pkcs8' });
    const source = Buffer.from(file);
    const atOnce = await codeOf(memory.fromDer(source, { onCapacity: 'throw' }));
    const abort = new AbortController();
    const waits = codeOf(memory.fromDer(source, { signal: abort.signal }));
    await new Promise((resolve) => setImmediate(resolve));
    const { waiting } = memory.stats().admission;
    abort.abort(Object.assign(new Error('enough'), { code: 'ENOUGH' }));
    outcomes.push({ atOnce, waiting, aborted: await waits, untouched: source.equals(file) });
  }
  const between = memory.stats();
  for (const secret of held.splice(0, 4)) secret.dispose();
  const taken = [];
  for (const key of keys) {
    const { type, secret } = await memory.fromDer(key.export({ format: 'der', type: 'pkcs8' }));
    taken.push(type);
    secret.dispose();
  }
  const left = memory.stats().secrets - held.length;
  await memory.close({ waitMsMax: 0 }).catch(() => {});
  return { pages, limit, outcomes, waitingAfter: between.admission.waiting, taken, left };
}

/** @param {Promise<unknown>} call */
const codeOf = (call) =>
  call.then(
    () => 'taken',
    (error) => error.code,
  );
