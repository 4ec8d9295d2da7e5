import { execFileSync } from 'node:child_process';
import { createAllocator } from '@securemem/core';
import { lockedByteLength, lockedMappings } from '../kernel-facts.mjs';
import { createMarker } from '../memory-scan.mjs';
import { limbsOf, watchKey } from '../sealing-key.mjs';

/** Sealed secrets and stores on real pages: M3, M8 to M11, and the scans. */

/** @typedef {{ open: () => import('@securemem/core').MemoryBackend, options: any }} Context */
/** @typedef {import('@securemem/core').SealedSecret} SealedSecret */
/** @typedef {import('@securemem/core').Secret} Secret */

const turn = () => new Promise((resolve) => setImmediate(resolve));
const offHeap = (/** @type {number} */ n) => new Uint8Array(new ArrayBuffer(n));
const filled = (/** @type {number} */ n) => offHeap(64).fill(n);
const first = (/** @type {Secret} */ secret) => secret.read((bytes) => bytes[0]);

/** @param {() => unknown} act @returns {string} */
function codeOf(act) {
  try {
    act();
    return 'none';
  } catch (error) {
    return /** @type {{ code: string }} */ (error).code;
  }
}

/** X6 on the live process. @param {number} soft */
function setLockLimit(soft) {
  execFileSync('prlimit', ['--pid', String(process.pid), `--memlock=${soft}:`]);
}

/** Copies of a marker at every step of being sealed, opened, refused and stored. @param {Context} context */
export async function copiesOfSealed({ open }) {
  const memory = createAllocator({ backend: open() });
  const store = memory.store({ hotMax: 0 });
  const marker = createMarker();
  const source = () => marker.fill(offHeap(32));
  const count = () => marker.count({ closedPages: true });
  /** @type {Record<string, number>} */
  const copies = {};

  const secret = memory.adoptSync(source());
  copies['living'] = count();
  const sealed = secret.seal();
  copies['sealed'] = count();
  for (let i = 0; i < 200; i++) memory.openSync(sealed).dispose();
  copies['opened and disposed'] = count();
  const opened = await memory.open(sealed);
  copies['open'] = count();
  opened.dispose();

  await store.set('name', source());
  copies['stored'] = count();
  copies['in use'] = await store.use('name', count);
  copies['used'] = count();
  copies['long ones, used'] = await copiesOfLong(store);
  await store.load([['other', source()]]);
  copies['loaded'] = count();

  const planted = marker.plant();
  copies['planted'] = count();
  planted.wipe();
  return { copies, hidden: memory.receipt.kernelHidden, cipher: memory.receipt.cipher };
}

/**
 * Of twelve secrets of 1,000 bytes, how many are found after a use. A short one that was freed unwiped is soon overwritten,
 * a long one stays. @param {import('@securemem/core').SecretStore} store
 */
async function copiesOfLong(store) {
  const markers = Array.from({ length: 12 }, () => createMarker(1_000));
  let found = 0;
  for (const [i, marker] of markers.entries()) {
    await store.set(`long ${i}`, marker.fill(offHeap(1_000)));
    await store.use(`long ${i}`, () => {});
    found += marker.count({ closedPages: true });
  }
  return found;
}

/** M11: where the sealing key is found between ten thousand calls, during one, planted, and after a purge. @param {Context} context */
export async function wholeKey({ open }) {
  const backend = open();
  const watched = watchKey(backend);
  const memory = createAllocator({ backend });
  const sealed = memory.adoptSync(filled(1)).seal();
  const { marker } = watched;
  if (marker === undefined) throw new Error('nobody was given the key');
  const forms = {
    verbatim: marker,
    reversed: marker.reversed(),
    'limbs of 4': limbsOf(marker.masked(), 4),
    'limbs of 8': limbsOf(marker.masked(), 8),
    hex: marker.asText('hex'),
    base64: marker.asText('base64'),
  };
  const store = memory.store();
  for (let i = 0; i < 5_000; i++) {
    store.setSync(`n${i % 20}`, filled(i));
    await store.use(`n${i % 20}`, first);
    memory.openSync(sealed).dispose();
  }
  const hits = marker.find({ closedPages: true });
  await new Promise((resolve) => setTimeout(resolve, 510)); // The shares are others by then.
  /** @type {Record<string, number>} */
  const between = {};
  for (const [form, each] of Object.entries(forms)) {
    between[form] = each.count({ closedPages: true });
  }
  /** @type {import('../memory-scan.mjs').Hit[]} */
  let during = [];
  watched.during = () => {
    during = marker.find({ closedPages: true });
  };
  memory.adoptSync(filled(2)).seal();
  watched.during = () => {};
  const planted = marker.plant();
  const withPlanted = marker.count({ closedPages: true });
  planted.wipe();
  memory.purge();
  const purged = marker.count({ closedPages: true });
  return { between, hits, during, withPlanted, purged, sealingKey: memory.receipt.sealingKey };
}

/** M11: the pages of the key, as the kernel sees them, while secrets are open at rest. @param {Context} context */
export async function keyPages({ open, options }) {
  const memory = createAllocator({ backend: open(), sealing: { closeKeyPages: options.closed } });
  const secret = memory.adoptSync(filled(1));
  const sealed = memory.adoptSync(filled(2)).seal();
  const permissions = () =>
    lockedMappings()
      .map((mapping) => mapping.permissions.slice(0, 3))
      .sort();
  const sameTurn = permissions();
  await turn();
  const atRest = permissions();
  memory.openSync(sealed);
  const afterOpen = permissions();
  return { sameTurn, atRest, afterOpen, ok: memory.verify().ok, first: first(secret) };
}

/** M8 and M10: nothing else is affected by a refused page or a thousand bad ciphertexts. @param {Context} context */
export async function blastRadius({ open }) {
  const memory = createAllocator({ backend: open(), idleMs: 5 });
  const sealed = Array.from({ length: 10 }, (_, i) => memory.adoptSync(filled(i)).seal());
  const store = memory.store({ hotMax: 4 });
  for (let i = 0; i < 10; i++) store.setSync(`n${i}`, filled(i));
  const live = Array.from({ length: 100 }, (_, i) => memory.adoptSync(filled(i)));
  const before = lockedByteLength();
  const codes = new Set();
  for (const soft of [0, before]) {
    setLockLimit(soft);
    codes.add(codeOf(() => memory.allocateSync(100_000)));
    codes.add(await memory.allocate(8_192, { waitMsMax: 5 }).catch((error) => error.code));
  }
  live[99]?.dispose();
  const readable = live.slice(0, 99).filter((secret, i) => first(secret) === i).length;
  let openable = 0;
  for (const [i, each] of sealed.entries()) {
    const secret = memory.openSync(each);
    if (first(secret) === i) openable++;
    secret.dispose();
  }
  for (let i = 0; i < 10; i++) if ((await store.use(`n${i}`, first)) === i) openable++;
  const flat = lockedByteLength() === before;
  memory.purge();
  const stale = codeOf(() => memory.openSync(/** @type {SealedSecret} */ (sealed[0])));
  await memory.close();
  return { codes: [...codes], readable, openable, flat, stale, lockedAfter: lockedByteLength() };
}

/** M9: at limits of 0 and of what is locked, whatever needs a page settles at once. @param {Context} context */
export async function refusedAtOnce({ open, options }) {
  const memory = createAllocator({ backend: open(), onCapacity: 'throw' });
  const secret = options.first ? undefined : memory.adoptSync(filled(1));
  setLockLimit(options.lockedNow ? lockedByteLength() : 0);
  const before = lockedByteLength();
  const startedAt = performance.now();
  const codes = [
    options.first ? 'none' : codeOf(() => secret?.seal()),
    codeOf(() => memory.store()),
    codeOf(() => memory.allocateSync(8_192)),
  ];
  memory.purge();
  const tookMs = performance.now() - startedAt;
  const keys = memory.stats().sealing.keys;
  while (memory.stats().primary.regions > 0) await turn();
  return { codes, before, lockedAfterPurge: lockedByteLength(), keys, tookMs };
}

/** M9: twenty openers of ten secrets, for a time. @param {Context} context */
export async function openersAtOnce({ open, options }) {
  const memory = createAllocator({ backend: open() });
  const sealed = Array.from({ length: 10 }, (_, i) =>
    memory.adoptSync(offHeap(2_000).fill(i)).seal(),
  );
  const until = performance.now() + options.ms;
  let peak = 0;
  const opener = async (/** @type {number} */ self) => {
    let opened = 0;
    for (; performance.now() < until || opened < 5; opened++) {
      const i = (self + opened) % 10;
      const secret = await memory.open(/** @type {SealedSecret} */ (sealed[i]));
      await turn();
      peak = Math.max(peak, lockedByteLength());
      if (first(secret) !== i) throw new Error('opened as something else');
      secret.dispose();
    }
    return opened;
  };
  const counts = await Promise.all(Array.from({ length: 20 }, (_, self) => opener(self)));
  const { waits, timeouts } = memory.stats().admission;
  await memory.close();
  return { least: Math.min(...counts), peak, waits, timeouts, lockedAfter: lockedByteLength() };
}

/**
 * M10: damaged ciphertexts. They are reached where the backend wrote them, which is where they stay.
 * @param {Context} context
 */
export async function badOpens({ open, options }) {
  const backend = open();
  /** @type {Uint8Array[]} */
  const written = [];
  const seal = backend.seal.bind(backend);
  backend.seal = (key, nonce, associatedData, plaintext, target) => {
    seal(key, nonce, associatedData, plaintext, target);
    written.push(target);
  };
  const memory = createAllocator({ backend });
  const marker = createMarker();
  const make = () => memory.adoptSync(marker.fill(offHeap(32))).seal();
  const [sealed, other] = [make(), make()];
  const [bytes, others] = /** @type {[Uint8Array, Uint8Array]} */ (
    /** @type {unknown} */ (written)
  );
  const original = bytes.slice();
  memory.openSync(sealed).dispose();
  const before = lockedByteLength();
  /** @type {Record<string, number>} */
  const codes = {};
  for (let i = 0; i < options.opens; i++) {
    if (i % 8 === 7) bytes.set(others);
    else bytes[i % bytes.length] = Number(bytes[i % bytes.length]) ^ (1 << (i % 8));
    const code =
      i % 2 === 0
        ? codeOf(() => memory.openSync(sealed))
        : await memory.open(sealed).then(
            () => 'none',
            (error) => error.code,
          );
    codes[code] = (codes[code] ?? 0) + 1;
    bytes.set(original);
  }
  const flat = lockedByteLength() === before;
  const copies = marker.count({ closedPages: true });
  const { secrets } = memory.stats();
  const opened = memory.openSync(sealed);
  const same = opened.equals(memory.openSync(other));
  return { codes, flat, copies, secrets, same };
}
