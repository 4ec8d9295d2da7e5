import { createHash, createHmac } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createAllocator, decrypt, encrypt, hash, hmac } from '@securemem/core';
import { lockedByteLength } from '../kernel-facts.mjs';
import { createMarker } from '../memory-scan.mjs';

/** Lifetimes over real pages: Z5 to Z8, Z10, and what waits, adopts and aborts: A8, X10, X11, X14. */

/** @typedef {import('@securemem/core').Secret} Secret */
/** @typedef {{ open: () => import('@securemem/core').MemoryBackend, options: any }} Context */

const turn = () => new Promise((resolve) => setImmediate(resolve));
const codeOf = (/** @type {any} */ error) => error?.code ?? error?.message ?? error;
const thrown = (/** @type {() => unknown} */ fn) => {
  try {
    return void fn();
  } catch (error) {
    return codeOf(error);
  }
};

/**
 * A phase as it goes wrong: what it holds is released by the line after the call.
 * @param {import('@securemem/core').Allocator} memory
 */
const releasedAfterTheCall =
  (memory) =>
  async (/** @type {any} */ fn, /** @type {any} */ { signal }) => {
    /** @type {Secret[]} */
    const held = [];
    const hold = (/** @type {Secret} */ secret) => {
      held.push(secret);
      return secret;
    };
    const space = {
      allocateSync: (/** @type {number} */ n) => hold(memory.allocateSync(n)),
      allocate: async (/** @type {number} */ n) => hold(await memory.allocate(n)),
    };
    const aborted = new Promise((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason));
    });
    // Where `fn` throws nobody waits for this one any more.
    aborted.catch(() => {});
    const result = await Promise.race([fn(space), aborted]);
    for (const secret of held) secret.dispose();
    return result;
  };

/** Z5: four ways out of a phase, and what the next one finds. `byHand` takes the guard out. @param {Context} context */
export async function everyWayOut({ open, options }) {
  const memory = createAllocator({ backend: open() });
  const phase = options.byHand ? releasedAfterTheCall(memory) : memory.phase.bind(memory);
  const abort = new AbortController();
  const ways = {
    return: (/** @type {any} */ phase) => void phase.allocateSync(8192),
    throw: (/** @type {any} */ phase) => {
      phase.allocateSync(8192);
      throw new Error('thrown');
    },
    reject: async (/** @type {any} */ phase) => {
      await phase.allocate(8192);
      await turn();
      throw new Error('rejected');
    },
    abort: async (/** @type {any} */ phase) => {
      await phase.allocate(8192);
      abort.abort(new Error('aborted'));
      await new Promise(() => {});
    },
  };
  const ends = [];
  for (const way of Object.values(ways)) {
    const error = await phase(way, { signal: abort.signal }).catch((/** @type {any} */ e) => e);
    ends.push([codeOf(error) ?? 'returned', memory.stats().secrets]);
  }
  const outside = memory.allocateSync(8192);
  const filler = await memory.phase(async (phase) => {
    const secret = phase.allocateSync(1_048_576);
    secret.write((bytes) => bytes.fill(0xcc));
    await memory.phase(async (other) => void (await other.allocate(8192)));
    outside.write((bytes) => bytes.fill(0x33));
    return secret.read((bytes) => bytes.every((byte) => byte === 0xcc));
  });
  const alive = outside.read((bytes) => bytes.every((byte) => byte === 0x33));
  await memory.close();
  return { ends, filler, alive, lockedAfter: lockedByteLength() };
}

/** Z6: phases that interleave at await; `shared` has them share one lifetime by mistake. @param {Context} context */
export async function interleaved({ open, options }) {
  const memory = createAllocator({ backend: open() });
  let harmed = 0;
  /** @type {Secret[]} */
  let current = [];
  const begin = (/** @type {(space: any) => Promise<void>} */ fn) => {
    if (!options.shared) return memory.phase(fn);
    current = [];
    const allocate = async (/** @type {number} */ n) => {
      const secret = await memory.allocate(n);
      current.push(secret);
      return secret;
    };
    return fn({ allocate }).then(() => {
      for (const secret of current) secret.dispose();
    });
  };
  await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      begin(async (space) => {
        /** @type {Secret[]} */
        const mine = [];
        for (let k = 0; k < 100; k++) {
          const secret = await space.allocate(32);
          if (!secret.disposed) secret.write((bytes) => bytes.fill(i + 1));
          mine.push(secret);
          if (k % (i + 1) === 0) await turn();
        }
        const whole = (/** @type {Secret} */ secret) =>
          !secret.disposed && secret.read((bytes) => bytes.every((byte) => byte === i + 1));
        harmed += mine.filter((secret) => !whole(secret)).length;
      }),
    ),
  );
  const left = memory.stats().secrets;
  await memory.close();
  return { harmed, left };
}

/** Z7: everything that may be kept of a secret whose slot has another owner. @param {Context} context */
export async function kept({ open }) {
  const memory = createAllocator({ backend: open() });
  /** @type {any[]} */
  const views = [];
  /** @type {any} */
  let secret;
  /** @type {any} */
  let lease;
  await memory.phase((phase) => {
    secret = phase.randomSync(32);
    lease = secret.lend();
    secret.read((/** @type {Uint8Array} */ bytes) => {
      views.push(bytes, bytes.subarray(4), Buffer.from(bytes.buffer), new DataView(bytes.buffer));
    });
    views.push(lease.bytes);
    lease.release();
  });
  const next = memory.allocateSync(32);
  next.write((bytes) => bytes.fill(0xee));
  const lengths = views.map((view) => {
    try {
      return view.byteLength;
    } catch {
      return 0;
    }
  });
  for (const view of views) if (view instanceof Uint8Array) view[0] = 1;
  /** @type {Record<string, unknown[]>} */
  const calls = {
    ...{ read: [() => 0], write: [() => 0], lend: [], resize: [8] },
    ...{ exportCopy: [], seal: [], copyFrom: [views[0]] },
  };
  const uses = Object.entries(calls).map(([name, args]) => thrown(() => secret[name](...args)));
  uses.push(thrown(() => hmac('sha256', secret, views[0])));
  const intact = next.read((bytes) => bytes.every((byte) => byte === 0xee));
  const empty = createHmac('sha256', views[0]).update('x').digest('hex');
  const sameAsEmpty = empty === createHmac('sha256', '').update('x').digest('hex');
  return { lengths, uses, intact, sameAsEmpty };
}

/** Z8: work in flight at the end of its phase. @param {Context} context */
export async function inFlight({ open }) {
  const memory = createAllocator({ backend: open() });
  const sign = async (/** @type {any} */ lease, /** @type {Promise<void>} */ gate) => {
    await gate;
    const mac = createHmac('sha256', lease.bytes).update('body').digest('hex');
    lease.release();
    return mac;
  };
  const run = async (/** @type {'wait' | 'throw'} */ onOpenAccess) => {
    /** @type {() => void} */
    let go = () => {};
    const gate = new Promise((/** @type {(value: void) => void} */ resolve) => {
      go = resolve;
    });
    /** @type {Promise<string> | undefined} */
    let signing;
    let ended = false;
    const end = memory
      .phase(
        (phase) => {
          const secret = phase.allocateSync(32);
          secret.write((bytes) => bytes.fill(7));
          signing = sign(secret.lend(), gate);
        },
        { onOpenAccess },
      )
      .catch(codeOf)
      .then((code) => {
        ended = true;
        return code;
      });
    await turn();
    await turn();
    const before = ended;
    go();
    const expected = createHmac('sha256', Buffer.alloc(32, 7)).update('body').digest('hex');
    return { before, right: (await signing) === expected, code: (await end) ?? 'returned' };
  };
  const result = { wait: await run('wait'), throw: await run('throw') };
  await memory.close();
  return { ...result, lockedAfter: lockedByteLength() };
}

/** Z10: what consumers leave behind in memory that is ours: pages and buffers of this project. @param {Context} context */
export async function consumers({ open }) {
  const memory = createAllocator({ backend: open() });
  const marker = createMarker();
  const secrets = Array.from({ length: 512 }, () => {
    const secret = memory.allocateSync(32);
    secret.write((bytes) => void marker.fill(bytes));
    return secret;
  });
  const key = memory.randomSync(32);
  const body = new TextEncoder().encode('associated');
  for (const secret of secrets) {
    hmac('sha256', secret, body);
    hash('sha256', secret);
    const encrypted = encrypt('aes-256-gcm', key, secret, { associatedData: body });
    const decrypted = await decrypt('aes-256-gcm', key, encrypted, { associatedData: body });
    decrypted.dispose();
    secret.read((bytes) => new TextDecoder('latin1').decode(bytes.subarray(0, 8)).length);
  }
  const [first] = secrets;
  const lease = first?.lend();
  const digest = createHash('sha256');
  await pipeline(Readable.from([lease?.bytes]), digest);
  lease?.release();
  const living = marker.find().filter(({ locked }) => locked).length;
  for (const secret of secrets) secret.dispose();
  const after = marker.find();
  return {
    living,
    hidden: memory.receipt.kernelHidden,
    ours: after.filter(({ locked }) => locked).length,
    elsewhere: after.length,
  };
}

/** A8: dies by policy at the first request that has no place. @param {Context} context */
export function aborts({ open }) {
  const budget = { lockedByteLengthMax: 4096 };
  const memory = createAllocator({ backend: open(), onCapacity: 'abort', budget });
  const secret = memory.allocateSync(2_000);
  secret.write((bytes) => bytes.fill(0x41));
  memory.allocateSync(9_000);
  process.stderr.write('survived\n');
}

/** X14: nothing but a wait is left. @param {Context} context */
export async function onlyWaiting({ open }) {
  const budget = { lockedByteLengthMax: 4096 };
  const memory = createAllocator({ backend: open(), budget, routing: { pooledByteLengthMax: 0 } });
  memory.allocateSync(32);
  return memory.allocate(32, { waitMsMax: 150 }).then(() => 'granted', codeOf);
}

/** X10: a pooled Buffer is adopted; its neighbours in the pool are not ours to wipe. @param {Context} context */
export function adoptsPooled({ open }) {
  const memory = createAllocator({ backend: open() });
  const [left, middle, right] = [1, 2, 3].map((value) => {
    const buffer = Buffer.allocUnsafe(24);
    return buffer.fill(value);
  });
  const pooled = middle?.buffer === left?.buffer;
  const secret = memory.adoptSync(/** @type {Buffer} */ (middle));
  return {
    pooled,
    wiped: middle?.every((byte) => byte === 0),
    neighbours: [left, right].map((buffer) => [...new Set(buffer)]),
    adopted: secret.read((bytes) => bytes.every((byte) => byte === 2)),
  };
}

/** X11: where the copies of a small array are, after it was filled with zeros and the heap was moved. @param {Context} context */
export async function smallArrays({ options }) {
  const marker = createMarker();
  const arrays = Array.from({ length: 200 }, () =>
    marker.fill(options.offHeap ? new Uint8Array(new ArrayBuffer(32)) : new Uint8Array(32)),
  );
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.({ type: 'minor' });
    await turn();
  }
  for (const array of arrays) array.fill(0);
  return { left: marker.count() };
}
