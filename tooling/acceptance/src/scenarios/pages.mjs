import { createAllocator } from '@securemem/core';
import koffi from 'koffi';
import { lockedByteLength, lockedMappings, mappings } from '../kernel-facts.mjs';
import { createMarker } from '../memory-scan.mjs';

/** What the pages of a secret are and do, judged by the kernel: X3, X7, X13, A10, M1, M4 to M7, Z7, and the scans. */

/** @typedef {import('@securemem/core').Secret} Secret */
/** @typedef {{ open: () => import('@securemem/core').MemoryBackend, options: any }} Context */

const OWN_PAGES = { routing: { pooledByteLengthMax: 0 } };
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Where a typed array lies. @param {Uint8Array} bytes @returns {bigint} */
const addressOf = (bytes) => koffi.address(bytes);

/** Touches one byte at an address, whatever is there. @param {bigint} address */
const touch = (address) => koffi.decode(address, 'uint8_t');

/** M6: a touch beside a secret. Says where it would die, then does it. @param {Context} context */
export function touchBeside({ open, options }) {
  const memory = createAllocator({ backend: open() });
  const secret = memory.allocateSync(options.byteLength);
  const lease = secret.lend();
  const start = addressOf(lease.bytes);
  const end = start + BigInt(options.byteLength);
  touch(start);
  touch(end - 1n);
  const page = 4096n;
  /** @type {Record<string, bigint>} */
  const targets = {
    after: end,
    before: start - (start % page) - 1n,
    'after the slab': start - (start % page) + page,
  };
  const target = targets[options.where];
  if (target === undefined) throw new RangeError(options.where);
  process.stderr.write('touching\n');
  touch(target);
  process.stderr.write('survived\n');
  return {};
}

/** M7: a touch of a closed page, or of an open one. @param {Context} context */
export async function touchAtRest({ open, options }) {
  const memory = createAllocator({ backend: open(), atRest: options.atRest });
  const secret = memory.allocateSync(64);
  await turn();
  const lease = secret.lend();
  const start = addressOf(lease.bytes);
  if (options.touch === 'write while reading') lease.bytes[0] = 1;
  lease.release();
  await turn();
  process.stderr.write('touching\n');
  if (options.touch === 'read') touch(start);
  if (options.touch === 'write') koffi.encode(start, 'uint8_t', 1);
  process.stderr.write('survived\n');
  return {};
}

/** X7 and M7: permissions and flags of the pages, outside and inside accesses. @param {Context} context */
export async function permissions({ open, options }) {
  const memory = createAllocator({ backend: open(), atRest: options.atRest });
  const secret = memory.allocateSync(64);
  const seen = () =>
    lockedMappings().map(({ permissions: p, flags }) => ({ permissions: p, flags }));
  await turn();
  const atRest = seen();
  const reading = secret.read(seen);
  await turn();
  const writing = secret.write(seen);
  await turn();
  const closedAgain = seen();
  const { ok, discrepancies } = memory.verify();
  return { atRest, reading, writing, closedAgain, ok, discrepancies, receipt: secret.receipt };
}

/** A10: every byte lies in a locked mapping. @param {Context} context */
export function bytesAreLocked({ open }) {
  const before = lockedByteLength();
  const memory = createAllocator({ backend: open() });
  const secret = memory.allocateSync(4096);
  secret.write((bytes) => bytes.fill(0xa5));
  return { locked: lockedByteLength() - before, receipt: secret.receipt.locked };
}

/** The scans: where the bytes of a secret are, during its life and in the same tick after it. @param {Context} context */
export function scan({ open, options }) {
  const memory = createAllocator({ backend: open() });
  const marker = createMarker();
  const source = marker.fill(new Uint8Array(new ArrayBuffer(32)));
  const secret = memory.adoptSync(source);
  const living = marker.find();
  secret.read((bytes) => bytes[0]);
  secret.resize(options.resizeTo ?? 32);
  const resized = marker.count();
  const planted = marker.plant();
  const withPlanted = marker.count();
  planted.wipe();
  secret.dispose();
  const disposed = marker.count();
  return {
    living: living.length,
    livingLocked: living.filter((hit) => hit.locked).length,
    resized,
    withPlanted,
    disposed,
    hidden: memory.receipt.kernelHidden,
  };
}

/** M1: density, in locked bytes. @param {Context} context */
export function density({ open }) {
  const before = lockedByteLength();
  const memory = createAllocator({ backend: open() });
  for (let i = 0; i < 1_000; i++) memory.allocateSync(64);
  return { locked: lockedByteLength() - before };
}

/** M4: every size is filled, read and freed. @param {Context} context */
export async function everySize({ open, options }) {
  const memory = createAllocator({ backend: open(), routing: { pooledByteLengthMax: 4096 } });
  let sizes = 0;
  for (let n = 1; n <= 16_385; n += n > 300 && n % 64 > 2 ? options.step : 1) {
    const secret = memory.allocateSync(n);
    secret.write((bytes) => bytes.fill(0xff));
    if (!secret.read((bytes) => bytes.length === n && bytes[n - 1] === 0xff))
      throw new Error('lost');
    secret.dispose();
    sizes++;
  }
  const { damagedSlots } = memory.stats().quarantine;
  await memory.close();
  return { sizes, damagedSlots, lockedAfter: lockedByteLength() };
}

/** M5: a stray native write beside a slot. @param {Context} context */
export async function strayWrite({ open, options }) {
  const memory = createAllocator({ backend: open(), idleMs: 10 });
  const [left, middle, right] = /** @type {[Secret, Secret, Secret]} */ (
    /** @type {unknown} */ (memory.allocateAllSync([64, 64, 64]))
  );
  for (const [i, secret] of [left, middle, right].entries()) {
    secret.write((bytes) => bytes.fill(i + 1));
  }
  const address = middle.read(addressOf);
  if (options.offset !== 0) {
    const target = address + BigInt(options.offset);
    koffi.encode(target, 'uint8_t', /** @type {number} */ (touch(target)) ^ 0xff);
  }
  const codes = [];
  for (const act of options.verify ? [() => memory.verify()] : [() => middle.dispose()]) {
    try {
      act();
      codes.push('none');
    } catch (error) {
      codes.push(/** @type {{ code: string }} */ (error).code);
    }
  }
  const neighbours = [left, right].map((secret) => secret.read((bytes) => bytes[0]));
  middle.dispose();
  const { damagedSlots } = memory.stats().quarantine;
  await memory.close();
  return { codes, neighbours, damagedSlots, lockedAfter: lockedByteLength() };
}

/**
 * What a view showed is used again last: the only page is filled until one secret lies there.
 * @param {import('@securemem/core').Allocator} memory @param {bigint} address
 */
function nextOwner(memory, address) {
  const others = [];
  for (;;) {
    const secret = memory.allocateSync(32);
    if (secret.read(addressOf) === address) return secret;
    others.push(secret);
  }
}

/** @param {Context} context */
function allocatorOfOnePage({ open }) {
  const backend = open();
  return createAllocator({ backend, budget: { lockedByteLengthMax: backend.pageByteLength } });
}

/** Z7: a view that was kept, after its slot has a new owner. @param {Context} context */
export function staleView(context) {
  const memory = allocatorOfOnePage(context);
  const first = memory.randomSync(32);
  /** @type {Uint8Array[]} */
  let stale = [];
  const address = first.read((bytes) => {
    stale = [bytes, bytes.subarray(4), Buffer.from(bytes.buffer)];
    return addressOf(bytes);
  });
  first.dispose();
  const next = nextOwner(memory, address);
  next.write((bytes) => bytes.fill(0xee));
  const sameSlot = next.read(addressOf) === address;
  for (const view of stale) view[0] = 1;
  const lengths = stale.map((view) => view.length);
  const intact = next.read((bytes) => bytes.every((byte) => byte === 0xee));
  return { sameSlot, lengths, intact };
}

/** Z7 control: the same with a view that nobody revokes, straight from the FFI library. @param {Context} context */
export function staleViewUnrevoked(context) {
  const memory = allocatorOfOnePage(context);
  const first = memory.randomSync(32);
  const address = first.read(addressOf);
  const stale = new Uint8Array(koffi.view(address, 32));
  first.dispose();
  const next = nextOwner(memory, address);
  next.write((bytes) => bytes.fill(0xee));
  const readsTheNext = stale[0] === 0xee;
  stale[0] = 1;
  return { readsTheNext, intact: next.read((bytes) => bytes[0] === 0xee) };
}

/** X3 and X13: the mapping limit is reached; whole regions still open and close. @param {Context} context */
export async function mappingLimit({ open }) {
  const libc = koffi.load(null);
  const mmap = libc.func('void *mmap(void *, size_t, int, int, int, long)');
  const munmap = libc.func('int munmap(void *, size_t)');
  const memory = createAllocator({ backend: open(), atRest: 'no-access', ...OWN_PAGES });
  const first = memory.allocateSync(32);
  first.write((bytes) => bytes.fill(5));
  await turn();
  const used = [];
  for (let i = mappings(); i < 62_500; i++) {
    used.push(mmap(null, 4096, i % 2 === 0 ? 0 : 1, 0x22, -1, 0));
  }
  let error;
  const secrets = [];
  try {
    for (let i = 0; i < 3_000; i++) secrets.push(memory.allocateSync(32));
  } catch (thrown) {
    error = /** @type {any} */ (thrown);
  }
  await turn();
  const intact = first.read((bytes) => bytes.every((byte) => byte === 5));
  await turn();
  const { noAccessAtRest } = first.receipt;
  for (const address of used) munmap(address, 4096);
  const made = secrets.length;
  await memory.close();
  return {
    made,
    code: error?.code,
    details: error?.details,
    message: error?.message,
    intact,
    noAccessAtRest,
    lockedAfter: lockedByteLength(),
  };
}
