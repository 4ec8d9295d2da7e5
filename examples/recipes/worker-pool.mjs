// worker-pool.mjs
import { parentPort, workerData } from 'node:worker_threads';
import { createAllocator, hmac } from '@securemem/core';
import { koffiBackend } from '@securemem/koffi';

// Secrets cannot be posted: each thread has its own allocator, and takes its key from the file. Threads share the lock limit of the
// process, so each takes its part of it.
const { keyFile, lockedByteLengthMax } = workerData;
const memory = createAllocator({ backend: koffiBackend(), budget: { lockedByteLengthMax } });
const key = await memory.fromFile(keyFile);
parentPort?.on('message', (text) => {
  parentPort?.postMessage(hmac('sha256', key, text).toString('hex'));
});
