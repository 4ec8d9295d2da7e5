import { createHash } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import { createAllocator } from '@securemem/core';
import { startBlockedWrite } from '../blocked-write.mjs';
import { lockedByteLength } from '../kernel-facts.mjs';
import { createMarker } from '../memory-scan.mjs';

/** Lifetimes across native calls, and what becomes of a handle that nobody has: G1, G6, G7, G8, G10. */

/** @typedef {import('@securemem/core').Allocator} Allocator */
/** @typedef {import('@securemem/core').Secret} Secret */
/** @typedef {{ open: () => import('@securemem/core').MemoryBackend, options: any }} Context */

const turn = () => new Promise((resolve) => setImmediate(resolve));
/** @param {Uint8Array} bytes */
const digest = (bytes) => createHash('sha256').update(bytes).digest('hex');
const collect = /** @type {() => void} */ (globalThis.gc);

/**
 * One native call that holds leases of `count` new secrets. What is returned refers to neither secret nor lease nor view:
 * they belong to the call, and are given back when it has settled.
 * @param {Allocator} memory @param {number} count
 */
function startCall(memory, count) {
  const secrets = Array.from({ length: count }, () => memory.randomSync(64));
  const leases = secrets.map((secret) => secret.lend());
  const parts = leases.map((lease) => lease.bytes);
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  const expected = hash.digest('hex');
  const { settled, finish } = startBlockedWrite(parts);
  const release = () => {
    for (const lease of leases) lease.release();
  };
  settled.then(release, release);
  for (const secret of secrets) secret.dispose();
  return async () => digest(await finish()) === expected;
}

/** Makes the collector run and the allocator hand out every slot that it believes to be free. @param {Allocator} memory */
async function churn(memory) {
  for (let i = 0; i < 8; i++) {
    collect();
    Buffer.alloc(1 << 20, i);
    const others = Array.from({ length: 64 }, () => memory.allocateSync(64));
    for (const other of others) other.write((bytes) => bytes.fill(0xee));
    for (const other of others) other.dispose();
    await turn();
  }
}

/** G7: every wrapper may be collected while the call runs. @param {Context} context */
export async function collected({ open, options: { repetitions, count } }) {
  const memory = createAllocator({ backend: open() });
  let right = 0;
  for (let i = 0; i < repetitions; i++) {
    const finish = startCall(memory, count);
    await churn(memory);
    if (await finish()) right++;
  }
  const { secrets, openAccesses } = memory.stats();
  await memory.close();
  return { right, secrets, openAccesses, locked: lockedByteLength() };
}

/** The control of G7: without a lease the slot goes to the next secret under the call. @param {Context} context */
export async function unleased({ open }) {
  const memory = createAllocator({ backend: open() });
  const secret = memory.randomSync(64);
  const lease = secret.lend();
  const expected = digest(lease.bytes);
  const { finish } = startBlockedWrite([lease.bytes]);
  secret.dispose();
  lease.release();
  await churn(memory);
  const right = digest(await finish()) === expected;
  await memory.close();
  return { right };
}

/** G10: more leases than the library may have calls, a few at a time. @param {Context} context */
export async function limited({ open, options: { calls, atATime } }) {
  const memory = createAllocator({ backend: open() });
  let right = 0;
  for (let left = calls; left > 0; left -= atATime) {
    const finishers = Array.from({ length: Math.min(left, atATime) }, () => startCall(memory, 1));
    await churn(memory);
    const results = await Promise.all(finishers.map((finish) => finish()));
    right += results.filter(Boolean).length;
  }
  const { secrets, openAccesses } = memory.stats();
  await memory.close();
  return { right, secrets, openAccesses, locked: lockedByteLength() };
}

/** G10: what koffi does about more calls than it takes at a time. @param {Context} context */
export async function unlimited({ open, options: { calls } }) {
  const memory = createAllocator({ backend: open() });
  const finishers = Array.from({ length: calls }, () => startCall(memory, 1));
  const results = await Promise.allSettled(finishers.map((finish) => finish()));
  const { secrets, openAccesses } = memory.stats();
  await memory.close();
  return {
    right: results.filter((result) => result.status === 'fulfilled' && result.value).length,
    refused: results.filter((result) => result.status === 'rejected').length,
    secrets,
    openAccesses,
  };
}

/** G6: the allocator is closed while calls are in flight. @param {Context} context */
export async function closeInFlight({ open, options: { waitMsMax } }) {
  const memory = createAllocator({ backend: open() });
  const kept = memory.randomSync(32);
  const finishers = Array.from({ length: 10 }, () => startCall(memory, 1));
  const locked = lockedByteLength();
  const closing = memory.close(waitMsMax === undefined ? {} : { waitMsMax });
  const samePromise = memory.close() === closing;
  const refused = await memory.allocate(32).catch((error) => error.code);
  let used;
  try {
    kept.read(() => {});
  } catch (error) {
    used = /** @type {any} */ (error).code;
  }
  let late;
  if (waitMsMax !== undefined) {
    late = await closing.catch(({ code, details }) => ({ code, open: details.openAccesses }));
  }
  const lockedMeanwhile = lockedByteLength();
  const results = await Promise.all(finishers.map((finish) => finish()));
  const report = await (waitMsMax === undefined ? closing : memory.close());
  return {
    samePromise,
    refused,
    used,
    late,
    right: results.filter(Boolean).length,
    stayed: lockedMeanwhile === locked,
    report,
    locked: lockedByteLength(),
  };
}

/** Collects until everything is reported that can be; the timer keeps the process waiting.
 *  @param {() => boolean} reported */
async function collectUntil(reported) {
  for (let i = 0; i < 50 && !reported(); i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** @param {Allocator} memory @param {import('../memory-scan.mjs').Marker} marker */
function forgetOne(memory, marker) {
  memory.adoptSync(marker.fill(new Uint8Array(new ArrayBuffer(marker.byteLength))));
}

/** @param {Allocator} memory @param {number} count */
function forget(memory, count) {
  for (let i = 0; i < count; i++) memory.randomSync(32);
}

/** It lies in another place by then. @param {Allocator} memory */
function forgetResized(memory) {
  memory.randomSync(32).resize(5_000);
}

/** @param {Allocator} memory */
function disposeOne(memory) {
  memory.randomSync(32).dispose();
}

/** @param {Allocator} memory */
function forgetButHoldALease(memory) {
  return memory.randomSync(32).lend();
}

/** G8: handles that nobody disposed. @param {Context} context */
export async function leaks({ open, options: { leakDetection, count } }) {
  /** @type {{ byteLength: number, stack?: string }[]} */
  const reports = [];
  subscribe('securemem:leak', (message) => reports.push(/** @type {any} */ (message)));
  const memory = createAllocator({ backend: open(), leakDetection });
  const marker = createMarker();
  disposeOne(memory);
  forgetOne(memory, marker);
  forgetResized(memory);
  forget(memory, count - 2);
  const lease = forgetButHoldALease(memory);
  const { length } = lease.bytes;
  const sees = memory.receipt.kernelHidden ? undefined : marker.count();
  await collectUntil(() => reports.length >= count);
  const stats = memory.stats();
  const stillThere = memory.receipt.kernelHidden ? undefined : marker.count();
  const leaseWorks = lease.bytes.length === length && lease.bytes.some((byte) => byte !== 0);
  lease.release();
  await memory.close();
  return {
    reports: reports.length,
    counted: stats.events.leak,
    named: reports.filter(({ stack }) => stack?.includes('forget')).length,
    secrets: stats.secrets,
    leaseWorks,
    freed: sees !== stillThere,
    left: marker.count(),
    locked: lockedByteLength(),
  };
}

/** G1, G2: keys that cannot all be loaded, on real memory. @param {Context} context */
export async function partialLoads({ open, options: { repetitions } }) {
  const memory = createAllocator({ backend: open() });
  const mapped = () => memory.stats().primary.mappedByteLength;
  /** @type {import('@securemem/core').Loader} */
  const key = (phase) => phase.random(3000);
  memory.randomSync(3000).dispose();
  let failures = 0;
  let peak = 0;
  for (let i = 0; i < repetitions; i++) {
    const loaders = [key, key, key, key, key];
    loaders[[3, 0, 4][i % 3] ?? 3] = () => Promise.reject(new Error('missing'));
    await memory.loadAll(loaders, { concurrencyMax: i % 2 === 0 ? 1 : 5 }).catch((error) => {
      if (error.code === 'ERR_SECMEM_LOAD_FAILED') failures++;
    });
    await turn();
    if (memory.stats().secrets !== 0) throw new Error('a secret is left');
    peak = Math.max(peak, mapped());
  }
  await memory.close();
  return { failures, peak, locked: lockedByteLength() };
}
