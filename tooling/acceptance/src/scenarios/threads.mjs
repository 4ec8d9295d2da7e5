import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createAllocator } from '@securemem/core';
import { bursts } from '../bursts.mjs';
import { lockedByteLength } from '../kernel-facts.mjs';
import { createMarker } from '../memory-scan.mjs';

/** A14 and A15: allocators in worker threads. */

/** @typedef {{ backendName: string, open: () => import('@securemem/core').MemoryBackend, options: any }} Context */

const THREAD = new URL('../thread.mjs', import.meta.url);

/** A15: a thread ends, by force or by itself, with a live secret. @param {Context} context */
export async function ends({ backendName, open, options }) {
  const { threadExit } = createAllocator({ backend: open(), exitHooks: false }).receipt;
  const before = lockedByteLength();
  const marker = createMarker();
  const worker = new Worker(THREAD, {
    workerData: { backendName, does: options.by, marker: marker.masked() },
  });
  await once(worker, 'message');
  const during = lockedByteLength();
  if (options.by === 'terminate') await worker.terminate();
  else {
    worker.postMessage('go');
    await once(worker, 'exit');
  }
  return {
    threadExit,
    grew: during > before,
    after: lockedByteLength() - before,
    copies: marker.count({ closedPages: true }),
  };
}

/** A14: two threads with two allocators each, under one limit. @param {Context} context */
export async function share({ backendName, options }) {
  const workers = [0, 1].map(
    () =>
      new Worker(THREAD, {
        workerData: { backendName, does: 'storm', ...options },
      }),
  );
  const exits = workers.map((worker) => once(worker, 'exit'));
  let peak = 0;
  const sampler = setInterval(() => {
    peak = Math.max(peak, lockedByteLength());
  }, 1);
  const reports = await Promise.all(
    workers.map(async (worker) => (await once(worker, 'message'))[0]),
  );
  await Promise.all(exits);
  clearInterval(sampler);
  return { reports, peak, lockedAfter: lockedByteLength() };
}

/** D2: eight threads and this one, under one limit. @param {Context} context */
export async function fair({ backendName, options }) {
  const total = new Int32Array(new SharedArrayBuffer(8));
  const data = { backendName, does: 'bursts', total, threads: 9, enough: options.enough };
  const workers = Array.from({ length: 8 }, () => new Worker(THREAD, { workerData: data }));
  const reports = workers.map(async (worker) => (await once(worker, 'message'))[0]);
  const all = await Promise.all([bursts(data), ...reports]);
  return {
    served: all.map(({ served }) => served),
    failures: all.flatMap(({ failures }) => failures),
    lockedAfter: lockedByteLength(),
  };
}
