import { parentPort, workerData } from 'node:worker_threads';
import { createAllocator } from '@securemem/core';
import { openBackend } from './backends.mjs';
import { bursts } from './bursts.mjs';
import { markerFromMasked } from './memory-scan.mjs';

/** What a worker thread of the scenarios in `scenarios/threads.mjs` does. */
const { backendName, does, marker, jobs, onCapacity = 'wait' } = workerData;

if (does === 'storm') await storm();
else if (does === 'bursts') parentPort?.postMessage(await bursts(workerData));
else {
  // Without hooks nothing runs at the end of the thread: what was begun before has to be enough.
  const exitHooks = does !== 'purge';
  const memory = createAllocator({ backend: openBackend(backendName), exitHooks });
  const source = markerFromMasked(marker).fill(new Uint8Array(new ArrayBuffer(32)));
  memory.adoptSync(source);
  parentPort?.postMessage('ready');
  if (does === 'terminate') for (;;);
  parentPort?.once('message', () => {
    if (does === 'exit') process.exit(0);
    if (does === 'purge') memory.purge();
    parentPort?.close();
  });
}

async function storm() {
  const two = [0, 1].map(() =>
    createAllocator({ backend: openBackend(backendName), onCapacity, idleMs: 40 }),
  );
  const results = await Promise.allSettled(
    two.flatMap((memory) =>
      Array.from({ length: jobs }, async () => {
        const set = await memory.allocateAll([32, 1000, 3000, 3000]);
        await new Promise((resolve) => setImmediate(resolve));
        for (const secret of set) secret.dispose();
      }),
    ),
  );
  const failures = results.flatMap((r) =>
    r.status === 'rejected' ? [r.reason.code ?? String(r.reason)] : [],
  );
  const waits = two.reduce((sum, memory) => sum + memory.stats().admission.waits, 0);
  for (const memory of two) await memory.close();
  parentPort?.postMessage({ succeeded: results.length - failures.length, failures, waits });
  parentPort?.close();
}
