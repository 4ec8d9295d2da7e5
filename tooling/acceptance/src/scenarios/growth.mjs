import { execFileSync } from 'node:child_process';
import { createAllocator } from '@securemem/core';
import { lockedByteLength } from '../kernel-facts.mjs';
import { RecordingBackend } from '../model/recorder.mjs';

/** Where secrets go by size, and what growth does to them: Z1, Z3, Z4 and Z9. */

/** @typedef {import('@securemem/core').Secret} Secret */
/** @typedef {{ open: () => import('@securemem/core').MemoryBackend, options: any }} Context */

const codeOf = (/** @type {() => unknown} */ fn) => {
  try {
    fn();
    return 'none';
  } catch (error) {
    return /** @type {any} */ (error).code ?? /** @type {any} */ (error).name;
  }
};

/** Z1: the boundary, at 4096 bytes, at 0 and at the largest. @param {Context} context */
export async function routes({ open }) {
  const route = async (/** @type {object} */ routing, /** @type {number[]} */ lengths) => {
    const memory = createAllocator({ backend: open(), routing });
    const found = lengths.map((n) => memory.allocateSync(n).receipt.route);
    const { routes: stats } = memory.stats().primary;
    await memory.close();
    return { found, stats };
  };
  const refused = ['abc', -1, Number.NaN, 1.5].map((pooledByteLengthMax) =>
    codeOf(() =>
      createAllocator({ backend: open(), routing: /** @type {any} */ ({ pooledByteLengthMax }) }),
    ),
  );
  const slabByteLengthMax = 65_536;
  const pooledByteLengthMax = slabByteLengthMax - 16;
  return {
    at4096: await route({ pooledByteLengthMax: 4096 }, [4095, 4096, 4097]),
    at0: await route({ pooledByteLengthMax: 0 }, [1, 32]),
    largest: await route({ slabByteLengthMax, pooledByteLengthMax }, [pooledByteLengthMax, 65_536]),
    refused,
  };
}

/**
 * Growth as it goes wrong: into whatever lifetime is current, by allocating anew and copying.
 * @param {any} current @param {Secret} secret @param {number} byteLength @returns {Secret}
 */
function growByCopy(current, secret, byteLength) {
  const larger = current.allocateSync(byteLength);
  larger.copyFrom(secret);
  secret.dispose();
  return larger;
}

/** Z3: growth in and out of a phase, by place and receipt. `byCopy` takes stickiness out. @param {Context} context */
export async function sticky({ open, options }) {
  const limitByteLength = 1_048_576;
  const backend = new RecordingBackend(open(), { limitByteLength, views: true });
  const memory = createAllocator({ backend });
  const placeOf = (/** @type {Secret} */ secret) => secret.read(() => backend.lastAccess);
  const filled = (/** @type {any} */ space) => {
    const secret = space.allocateSync(100);
    secret.write((/** @type {Uint8Array} */ bytes) => bytes.fill(0xa7));
    return secret;
  };
  let before = filled(memory);
  const old = placeOf(before);
  const { backend: name, locked } = before.receipt;
  /** @type {Secret | undefined} */
  let inside;
  await memory.phase((phase) => {
    if (options.byCopy) before = growByCopy(phase, before, 8192);
    else before.resize(8192);
    inside = filled(phase);
    inside?.resize(8192);
  });
  await memory.phase((phase) => {
    const filler = phase.allocateSync(options.fillerByteLength);
    filler.write((bytes) => bytes.fill(0xcc));
  });
  if (before.disposed) return { intact: false, insideGone: inside?.disposed };
  const mapped = old !== undefined && backend.regions.has(old.region);
  const image = mapped ? backend.peek(old.region) : new Uint8Array(0);
  const from = old?.byteOffset ?? 0;
  const { backend: nameAfter, locked: lockedAfter } = before.receipt;
  const whole = (/** @type {Uint8Array} */ bytes) =>
    bytes.subarray(0, 100).every((byte) => byte === 0xa7);
  return {
    intact: before.read(whole),
    byteLength: before.byteLength,
    insideGone: inside?.disposed,
    sameReceipt: name === nameAfter && locked === lockedAfter,
    oldReadsZero: image.subarray(from, from + 100).every((byte) => byte === 0),
  };
}

/** Z4: growth where there is no room, and shrinking: at lock limit 0, or within a budget. @param {Context} context */
export async function atomic({ open, options }) {
  const { lockedByteLengthMax } = options;
  const budget = lockedByteLengthMax === undefined ? {} : { budget: { lockedByteLengthMax } };
  const memory = createAllocator({ backend: open(), ...budget });
  const secret = memory.allocateSync(8192);
  secret.write((bytes) => bytes.fill(0xc4));
  if (lockedByteLengthMax === undefined) {
    execFileSync('prlimit', ['--pid', String(process.pid), '--memlock=0:']);
  }
  const refused = codeOf(() => secret.resize(12_288));
  const intact = secret.read((b) => b.length === 8192 && b.every((byte) => byte === 0xc4));
  secret.resize(16);
  const shrunk = secret.read((b) => b.length === 16 && b.every((byte) => byte === 0xc4));
  const { locked } = secret.receipt;
  await memory.close();
  return { refused, intact, shrunk, locked, lockedAfter: lockedByteLength() };
}

/** Z9: what does not fit is told, and what does is counted. @param {Context} context */
export async function overflow({ open }) {
  const budget = { lockedByteLengthMax: 65_536 };
  const memory = createAllocator({ backend: open(), budget, onCapacity: 'throw' });
  let pooled = 0;
  const code = codeOf(() => {
    for (;;) {
      memory.allocateSync(100);
      pooled++;
    }
  });
  const { routes: stats, mappedByteLength } = memory.stats().primary;
  await memory.close();
  return { code, pooled, stats, mappedByteLength };
}
