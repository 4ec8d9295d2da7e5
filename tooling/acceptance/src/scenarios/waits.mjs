import { readdirSync } from 'node:fs';
import { createAllocator } from '@securemem/core';
import { fakeBackend } from '@securemem/core/testing';
import { lockedByteLength } from '../kernel-facts.mjs';

/** What very many waits leave behind: nothing. */

/** @typedef {import('@securemem/core').MemoryBackend} MemoryBackend */
/** @typedef {{ waits: number, leak?: boolean, hold?: boolean }} Options */
/** @typedef {{ open: () => MemoryBackend, options: Options }} Context */

/** Requests in the queue at once: nine of ten are served, nine of a hundred aborted, one of a hundred times out. */
const BATCH = 1_000;

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Bytes in use after a full collection. */
async function heapByteLength() {
  for (let i = 0; i < 3; i++) {
    await turn();
    globalThis.gc?.();
  }
  return process.memoryUsage().heapUsed;
}

/** What a process may have too many of, beside heap. */
function held() {
  return {
    timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
    resources: process.getActiveResourcesInfo().length,
    files: readdirSync('/proc/self/fd').length,
    locked: lockedByteLength(),
  };
}

/** Waits for a page of real memory, of which there is one. @param {Context} context */
export function forPages({ open, options }) {
  return many({ backend: open(), limit: { lockedByteLengthMax: 4096 }, options });
}

/** Waits for a number of secrets to fall, in simulated memory: the queue alone. @param {Context} context */
export function forCount({ options }) {
  return many({ backend: fakeBackend(), limit: { secretsMax: 1 }, options });
}

/**
 * `leak` keeps what every wait ended with, and `hold` leaves one waiter in the queue, to see that either shows.
 * @param {{ backend: MemoryBackend, limit: NonNullable<import('@securemem/core').AllocatorOptions['budget']>, options: Options }} subject
 */
async function many({ backend, limit, options }) {
  const memory = createAllocator({
    backend,
    budget: limit,
    routing: { pooledByteLengthMax: 0 },
    leakDetection: 'off',
  });
  /** @type {unknown[]} */
  const leaked = [];
  for (let i = 0; i < 5; i++) await batch(memory, leaked, options);
  const heapBefore = await heapByteLength();
  const before = held();
  const start = memory.stats().admission.waits;
  const since = performance.now();
  while (memory.stats().admission.waits - start < options.waits) {
    await batch(memory, leaked, options);
  }
  const ms = performance.now() - since;
  const grown = (await heapByteLength()) - heapBefore;
  const holder = options.hold ? memory.allocateSync(32) : undefined;
  const waiter = options.hold ? memory.allocate(32) : undefined;
  const after = held();
  const { secrets, admission } = memory.stats();
  const { waits, waiting, aborts, timeouts } = admission;
  holder?.dispose();
  (await waiter)?.dispose();
  await memory.close();
  const done = waits - start;
  const lockedAtEnd = lockedByteLength();
  const usPerWait = (ms * 1_000) / done;
  return { done, grown, waiting, secrets, aborts, timeouts, before, after, lockedAtEnd, usPerWait };
}

/**
 * One holder, and a queue behind it. Ten requests share a signal, as those of one client would.
 * @param {import('@securemem/core').Allocator} memory @param {unknown[]} leaked @param {Options} options
 */
async function batch(memory, leaked, { leak }) {
  const holder = memory.allocateSync(32);
  /** @type {Promise<unknown>[]} */
  const waits = [];
  /** @type {Promise<unknown>[]} */
  const late = [];
  /** @type {AbortController[]} */
  const clients = [];
  for (let i = 0; i < BATCH; i++) {
    let how = {};
    if (i % 100 === 99) how = { waitMsMax: 0 };
    else if (i % 10 === 9) how = { signal: clientOf(clients, i).signal };
    const wait = memory.allocate(32, how).then(
      (secret) => secret.dispose(),
      (error) => error,
    );
    waits.push(wait);
    if (i % 100 === 99) late.push(wait);
    if (leak) leaked.push(wait, how);
  }
  for (const client of clients) client.abort('enough');
  // Those with no time to wait time out before the others are served.
  await Promise.all(late);
  holder.dispose();
  await Promise.all(waits);
}

/** @param {AbortController[]} clients @param {number} i */
function clientOf(clients, i) {
  const client = Math.floor(i / 100);
  clients[client] ??= new AbortController();
  return /** @type {AbortController} */ (clients[client]);
}
