import { execFileSync } from 'node:child_process';
import { randomFill } from 'node:crypto';
import { mkdtempSync, openSync, read, readFileSync, rmSync, write, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deflateRaw, inflateRawSync } from 'node:zlib';
import { createAllocator } from '@securemem/core';

/** Native code that works with a view after its access ended: SEC4. */

/** @typedef {import('@securemem/core').Allocator} Allocator */
/** @typedef {import('@securemem/core').Secret} Secret */
/** @typedef {{ open: () => import('@securemem/core').MemoryBackend, options: any }} Context */
/** @typedef {(bytes: Uint8Array) => Promise<Uint8Array | undefined>} Consumer what it read, if it reads */

const ALICE = 0x61;
const BOB = 0x62;
/** Of Node's pool, unless UV_THREADPOOL_SIZE says otherwise. */
const THREADS = 4;

/** Every thread of Node's pool, kept in a system call until `release`, so that what is asked of the pool is surely late. */
class BusyPool {
  #folder = mkdtempSync(join(tmpdir(), 'late-'));
  #pipe;
  /** @type {Promise<unknown>[]} */
  #reads = [];

  constructor() {
    const path = join(this.#folder, 'pipe');
    execFileSync('mkfifo', [path]);
    this.#pipe = openSync(path, 'r+');
    for (let i = 0; i < THREADS; i++) {
      this.#reads.push(promisify(read)(this.#pipe, Buffer.alloc(1), 0, 1, null));
    }
  }

  get file() {
    return join(this.#folder, 'file');
  }

  async release() {
    writeSync(this.#pipe, Buffer.alloc(THREADS));
    await Promise.all(this.#reads);
  }

  remove() {
    rmSync(this.#folder, { recursive: true });
  }
}

/** @type {Record<string, (pool: BusyPool) => Consumer>} */
const CONSUMERS = {
  write: (pool) => async (bytes) => {
    await promisify(write)(openSync(pool.file, 'w'), bytes, 0, bytes.length, 0);
    return readFileSync(pool.file);
  },
  deflate: () => async (bytes) =>
    inflateRawSync(/** @type {Buffer} */ (await promisify(deflateRaw)(bytes))),
  randomFill: () => async (bytes) => {
    await promisify(randomFill)(bytes);
    return undefined;
  },
};

/** How the program shows a secret, and forgets that the work on it is not done. @type {Record<string, (secret: Secret, work: (bytes: Uint8Array) => void) => void>} */
const WAYS = {
  read: (secret, work) => secret.read(work),
  write: (secret, work) => secret.write(work),
  lend(secret, work) {
    const lease = secret.lend();
    work(lease.bytes);
    lease.release();
  },
};

/** @param {Secret} secret @param {number} value */
function fill(secret, value) {
  const source = new Uint8Array(new ArrayBuffer(secret.byteLength)).fill(value);
  secret.copyFrom(source);
}

/**
 * Alice's secret is shown to a consumer that is late, and disposed; then come others. How many bytes of theirs the consumer
 * read, how many of theirs it overwrote, or the code with which it was stopped.
 *
 * @param {Context} context
 */
export async function consumer({ open, options }) {
  const { byteLength, consumer, way, isolateViews = false, pages } = options;
  const backend = open();
  const memory = createAllocator({
    backend,
    exitHooks: false,
    routing: { isolateViews },
    budget: pages === undefined ? {} : { lockedByteLengthMax: pages * backend.pageByteLength },
  });
  const pool = new BusyPool();
  const alice = memory.allocateSync(byteLength);
  fill(alice, ALICE);
  const full = pages === undefined ? [] : fillUp(memory, byteLength);
  const work = /** @type {(pool: BusyPool) => Consumer} */ (CONSUMERS[consumer])(pool);
  /** @type {Promise<Uint8Array | { code?: string } | undefined> | undefined} */
  let late;
  const show = /** @type {NonNullable<(typeof WAYS)[string]>} */ (WAYS[way]);
  show(alice, (bytes) => {
    late = work(bytes).catch((error) => ({ code: error.code }));
  });
  alice.dispose();
  const others = [
    ...full,
    ...Array.from({ length: pages === undefined ? 5 : 1 }, () => memory.allocateSync(byteLength)),
  ];
  for (const other of others) fill(other, BOB);
  const leases = others.map((other) => other.lend());
  await pool.release();
  /** @type {{ code?: string, length?: number }} */
  const seen = await /** @type {Promise<any>} */ (late);
  const read = seen instanceof Uint8Array ? seen.filter((byte) => byte === BOB).length : 0;
  let overwritten = 0;
  for (const { bytes } of leases) overwritten += bytes.filter((byte) => byte !== BOB).length;
  for (const lease of leases) lease.release();
  await memory.close();
  pool.remove();
  return { code: seen?.code ?? null, read, overwritten };
}

/** Takes every place that is left. @param {Allocator} memory @param {number} byteLength */
function fillUp(memory, byteLength) {
  const all = [];
  for (;;) {
    try {
      all.push(memory.allocateSync(byteLength));
    } catch {
      return all;
    }
  }
}

/** The longest copy whose memory is kept for a while. */
const COPY_BYTE_LENGTH = 65_536;
const COPIES = 8;

/**
 * How many bytes of the last copies that were lent the collector leaves to them, so that no other copy can lie there. The
 * control gives up such copies as one would without knowing of late pointers.
 *
 * @param {Context} context
 */
export async function keptCopies({ open, options: { control } }) {
  const memory = createAllocator({ backend: open(), exitHooks: false });
  const secret = memory.allocateSync(COPY_BYTE_LENGTH);
  const before = await byteLengthAfterCollection();
  for (let i = 0; i < COPIES; i++) {
    if (control) giveUp(new ArrayBuffer(COPY_BYTE_LENGTH));
    else secret.read(() => {});
  }
  const kept = (await byteLengthAfterCollection()) - before;
  await memory.close();
  return { copies: Math.round(kept / COPY_BYTE_LENGTH) };
}

/** @param {ArrayBuffer} buffer */
function giveUp(buffer) {
  structuredClone(buffer, { transfer: [buffer] });
}

/** Of all array buffers. The collector frees them in the background, so it is asked until there is nothing left to free. */
async function byteLengthAfterCollection() {
  for (let last = Number.POSITIVE_INFINITY; ; ) {
    /** @type {() => void} */ (globalThis.gc)();
    await new Promise((resolve) => setImmediate(resolve));
    const { arrayBuffers } = process.memoryUsage();
    if (arrayBuffers >= last) return arrayBuffers;
    last = arrayBuffers;
  }
}
