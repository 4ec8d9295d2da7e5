import { createHmac } from 'node:crypto';
import { createAllocator, hmac } from '@securemem/core';
import { lockedByteLength } from '../kernel-facts.mjs';

/** What happens at the lock limit under concurrency: section A. Each runs in a process of its own, confined. */

const sleep = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));
const turn = () => new Promise((resolve) => setImmediate(resolve));
const OWN_PAGES = { routing: { pooledByteLengthMax: 0 } };
const body = new TextEncoder().encode('a transaction');

/** @typedef {import('@securemem/core').Secret} Secret */
/** @typedef {{ open: () => import('@securemem/core').MemoryBackend, options: any }} Context */

/** One signing job: four secrets, held for a while, and a signature that is checked.
 *  @param {Secret[]} secrets @param {number} i */
async function sign(secrets, i) {
  const [, , key] = /** @type {[Secret, Secret, Secret]} */ (/** @type {unknown} */ (secrets));
  const plain = new Uint8Array(new ArrayBuffer(32)).fill(i % 251);
  key.copyFrom(plain);
  await sleep(20);
  const mac = hmac('sha256', key, body);
  if (!mac.equals(createHmac('sha256', plain).update(body).digest())) throw new Error('wrong mac');
}

/**
 * A1, X5: jobs that allocate one after the other and are refused by throwing. `onCapacity` takes another policy, `keep` has a
 * refused job keep what it got, and `oneByOne` begins each job when the last one has ended.
 * @param {Context} context
 */
export async function propagates({ open, options }) {
  const { jobs: count, onCapacity = 'throw', keep = false, oneByOne = false } = options;
  const memory = createAllocator({ backend: open(), onCapacity, idleMs: 20, ...OWN_PAGES });
  const before = lockedByteLength();
  let running = 0;
  let runningPeak = 0;
  const job = async (/** @type {number} */ i) => {
    runningPeak = Math.max(runningPeak, ++running);
    /** @type {Secret[]} */
    const secrets = [];
    let refused = true;
    try {
      for (let k = 0; k < 4; k++) secrets.push(await memory.allocate(32));
      await sign(secrets, i);
      refused = false;
    } finally {
      running--;
      if (!keep || !refused) for (const secret of secrets) secret.dispose();
    }
  };
  /** @type {Promise<void>[]} */
  const jobs = [];
  for (let i = 0; i < count; i++) {
    jobs.push(job(i));
    if (oneByOne) await jobs.at(-1);
  }
  const results = await Promise.allSettled(jobs);
  // Idle pages go after 20 ms; what is held does not.
  if (keep) await sleep(200);
  else await memory.close();
  const errors = results.flatMap((r) => (r.status === 'rejected' ? [r.reason] : []));
  return {
    succeeded: results.length - errors.length,
    errors: errors.map((error) => ({
      code: error.code,
      kind: error.kind,
      backend: error.backend,
      errno: error.errno,
      details: error.details,
    })),
    runningPeak,
    lockedBefore: before,
    lockedAfter: lockedByteLength(),
  };
}

/** A2: the same load, waiting, each job's set in one admission. @param {Context} context */
export async function waits({ open, options }) {
  const memory = createAllocator({
    backend: open(),
    idleMs: 20,
    ...(options.budget === undefined ? {} : { budget: { lockedByteLengthMax: options.budget } }),
    ...(options.pooled ? {} : OWN_PAGES),
  });
  let peak = 0;
  const jobs = Array.from({ length: options.jobs }, async (_, i) => {
    const secrets = await memory.allocateAll([32, 32, 32, 32]);
    peak = Math.max(peak, lockedByteLength());
    try {
      await sign(secrets, i);
    } finally {
      for (const secret of secrets) secret.dispose();
    }
  });
  const results = await Promise.allSettled(jobs);
  const { waits: waited } = memory.stats().admission;
  await memory.close();
  return {
    succeeded: results.filter((r) => r.status === 'fulfilled').length,
    peak,
    waits: waited,
    lockedAfter: lockedByteLength(),
  };
}

/** A3: what is held across an await counts, judged by the kernel. @param {Context} context */
export async function holdsTheLine({ open }) {
  const page = open().pageByteLength;
  const memory = createAllocator({
    backend: open(),
    ...OWN_PAGES,
    budget: { lockedByteLengthMax: 4 * page },
  });
  let peak = 0;
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      const secret = await memory.allocate(32);
      peak = Math.max(peak, lockedByteLength());
      await sleep(10);
      peak = Math.max(peak, lockedByteLength());
      secret.dispose();
    }),
  );
  await memory.close();
  return { peakPages: peak / page };
}

/** A4 and A5: hold-and-wait, timeouts, aborts. @param {Context} context */
export async function neverHangs({ open }) {
  const backend = open();
  const budget = { lockedByteLengthMax: 4 * backend.pageByteLength };
  const memory = createAllocator({
    backend,
    ...OWN_PAGES,
    budget,
    admission: { waitMsMax: 80, queueLengthMax: 50 },
  });
  const inSequence = await Promise.allSettled(
    Array.from({ length: 4 }, async () => {
      const first = await memory.allocate(32);
      try {
        await turn();
        (await memory.allocate(32)).dispose();
      } finally {
        first.dispose();
      }
    }),
  );
  const asSet = await Promise.allSettled(
    Array.from({ length: 4 }, async () => {
      const set = await memory.allocateAll([32, 32], { waitMsMax: 10_000 });
      await turn();
      for (const secret of set) secret.dispose();
    }),
  );
  const holders = await memory.allocateAll([32, 32, 32, 32]);
  const abort = new AbortController();
  const aborted = memory.allocate(32, { signal: abort.signal }).catch((reason) => reason);
  abort.abort('gone');
  const timedOut = await memory.allocate(32, { waitMsMax: 50 }).catch((error) => error.code);
  const next = memory.allocate(32, { waitMsMax: 10_000 });
  for (const secret of holders) secret.dispose();
  (await next).dispose();
  await memory.close();
  return {
    inSequence: inSequence.flatMap((r) => (r.status === 'rejected' ? [r.reason.code] : [])),
    asSet: asSet.filter((r) => r.status === 'fulfilled').length,
    aborted: await aborted,
    timedOut,
    lockedAfter: lockedByteLength(),
  };
}

/** A12: refused at once, nothing queued. @param {Context} context */
export async function refusesTheImpossible({ open }) {
  const memory = createAllocator({ backend: open() });
  const small = await memory.allocate(32);
  const error = await memory.allocate(65_537).catch((e) => e);
  const { waits: waited } = memory.stats().admission;
  (await memory.allocate(32)).dispose();
  small.dispose();
  await memory.close();
  return { code: error.code, details: error.details, waited };
}

/** A14: two allocators in one process, under one limit. @param {Context} context */
export async function twoAllocators({ open, options }) {
  const two = [0, 1].map(() => createAllocator({ backend: open(), idleMs: 50, ...OWN_PAGES }));
  let peak = 0;
  const results = await Promise.allSettled(
    two.flatMap((memory) =>
      Array.from({ length: options.jobs }, async () => {
        const set = await memory.allocateAll([32, 5000]);
        peak = Math.max(peak, lockedByteLength());
        await turn();
        for (const secret of set) secret.dispose();
      }),
    ),
  );
  const primary = two.map((memory) => memory.stats().primary);
  await sleep(500);
  const unmaps = two.map((memory) => memory.stats().primary.unmapCalls);
  for (const memory of two) await memory.close();
  return {
    succeeded: results.filter((r) => r.status === 'fulfilled').length,
    maps: primary.map((p) => p.mapCalls),
    unmaps,
    peak,
    lockedAfter: lockedByteLength(),
  };
}
