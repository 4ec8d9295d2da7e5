import { createAllocator } from '@securemem/core';
import { lockedByteLength } from '../kernel-facts.mjs';

/** What very many waits leave behind: nothing. */

/** @typedef {{ open: () => import('@securemem/core').MemoryBackend, options: any }} Context */

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Bytes in use after a full collection. */
async function heapByteLength() {
  for (let i = 0; i < 3; i++) {
    await turn();
    globalThis.gc?.();
  }
  return process.memoryUsage().heapUsed;
}

/**
 * Requests that wait in batches: of each hundred 90 are served in turn, 9 are aborted and one times out. `leak` keeps what
 * every wait ended with, to see that a leak shows. @param {Context} context
 */
export async function many({ open, options }) {
  const memory = createAllocator({
    backend: open(),
    budget: { lockedByteLengthMax: 4096 },
    routing: { pooledByteLengthMax: 0 },
    leakDetection: 'off',
  });
  /** @type {unknown[]} */
  const leaked = [];
  const batch = async () => {
    const controller = new AbortController();
    const holder = memory.allocateSync(32);
    /** @type {Promise<unknown>[]} */
    const waits = [];
    for (let i = 0; i < 100; i++) {
      const { signal } = controller;
      const how = i % 100 === 99 ? { waitMsMax: 0 } : i % 10 === 9 ? { signal } : {};
      const wait = memory.allocate(32, how).then(
        (secret) => secret.dispose(),
        (error) => error,
      );
      waits.push(wait);
      if (options.leak) leaked.push(wait, how);
    }
    controller.abort('enough');
    // The one with no time to wait times out before the others are served.
    await waits[99];
    holder.dispose();
    await Promise.all(waits);
  };
  for (let i = 0; i < 20; i++) await batch();
  const before = await heapByteLength();
  const start = memory.stats().admission.waits;
  while (memory.stats().admission.waits - start < options.waits) await batch();
  const grown = (await heapByteLength()) - before;
  const { waits, waiting, aborts, timeouts } = memory.stats().admission;
  const { secrets } = memory.stats();
  const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  await memory.close();
  const done = waits - start;
  return { done, grown, waiting, secrets, aborts, timeouts, timers, locked: lockedByteLength() };
}
