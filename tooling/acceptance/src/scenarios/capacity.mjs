import { subscribe } from 'node:diagnostics_channel';
import { createAllocator } from '@securemem/core';
import { forbidLocking } from '@securemem/machines/seccomp';
import { nolockBackend } from '@securemem/nolock';
import { lockedByteLength } from '../kernel-facts.mjs';

/** What each policy makes of a limit that is reached, and who may overtake: A8, A13, M14, M15, X2. */

/** @typedef {{ open: () => import('@securemem/core').MemoryBackend, options: any }} Context */
/** @typedef {import('@securemem/core').Secret} Secret */

const PAGE = 4096;
const LIMIT = 65_536;
const OWN_PAGES = { routing: { pooledByteLengthMax: 0 } };

const sleep = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));
const turn = () => new Promise((resolve) => setImmediate(resolve));
const said = (/** @type {any} */ { code, kind, message, details }) => ({
  code,
  kind,
  message,
  details,
});

/** @param {() => unknown} fn */
function errorOf(fn) {
  try {
    fn();
  } catch (error) {
    return said(error);
  }
  return undefined;
}

/** Everything that is published under a name from now on. @param {string} name */
function heard(name) {
  /** @type {any[]} */
  const messages = [];
  subscribe(`securemem:${name}`, (message) => void messages.push(message));
  return messages;
}

/** M14: very many tasks hold a small secret for a while, under one policy. @param {Context} context */
export async function load({ open, options: { tasks, onCapacity } }) {
  const warnings = heard('fallback');
  const fallback = onCapacity === 'fallback' ? { fallback: nolockBackend() } : {};
  const memory = createAllocator({ backend: open(), onCapacity, ...fallback });
  let peak = 0;
  const jobs = Array.from({ length: tasks }, async (_, i) => {
    const secret = await memory.allocate(64);
    secret.write((bytes) => bytes.fill(i));
    peak = Math.max(peak, lockedByteLength());
    const { locked } = secret.receipt;
    await sleep(50);
    const intact = secret.read((bytes) => bytes.every((byte) => byte === i % 256));
    secret.dispose();
    if (!intact) throw new Error('it holds what another one wrote');
    return locked;
  });
  // All of them have asked, and none has given back: as many are served as fit.
  const slots = memory.stats().primary.slabs.reduce((sum, slab) => sum + slab.slots, 0);
  const results = await Promise.allSettled(jobs);
  const { admission, fallback: weaker } = memory.stats();
  await memory.close();
  const served = results.flatMap((r) => (r.status === 'fulfilled' ? [r.value] : []));
  return {
    served: served.length,
    unlocked: served.filter((locked) => !locked).length,
    placed: weaker?.placed,
    codes: results.flatMap((r) =>
      r.status === 'rejected' ? [r.reason.code ?? `${r.reason}`] : [],
    ),
    slots,
    waits: admission.waits,
    warnings: warnings.length,
    peak,
    lockedAfter: lockedByteLength(),
  };
}

/** A8: full, and then one more, by each policy that lets the process live. @param {Context} context */
export async function policies({ open }) {
  const warnings = heard('fallback');
  const memory = createAllocator({
    backend: open(),
    onCapacity: 'fallback',
    fallback: nolockBackend(),
    ...OWN_PAGES,
  });
  const secrets = Array.from({ length: LIMIT / PAGE }, () => memory.allocateSync(32));
  const full = warnings.length;
  const locked = secrets.every((secret) => secret.receipt.locked);
  const weaker = [memory.allocateSync(32), memory.allocateSync(32)];
  const { receipt } = /** @type {Secret} */ (weaker[0]);
  const first = warnings.length;
  const refused = errorOf(() => memory.allocateSync(32, { onCapacity: 'throw' }));
  secrets[0]?.dispose();
  const again = memory.allocateSync(32).receipt.locked;
  memory.allocateSync(32);
  const second = warnings.length;
  await memory.close();
  const refusedAtOpening = errorOf(() =>
    createAllocator({ backend: open(), onCapacity: 'fallback' }),
  );
  return {
    locked,
    receipt: { locked: receipt.locked, fallback: receipt.fallback },
    reasons: receipt.weaknesses.map(({ field }) => field),
    warnings: [full, first, second],
    refused,
    again,
    refusedAtOpening,
    lockedAfter: lockedByteLength(),
  };
}

/** A13: half of the limit is wanted at once while a stream of small requests never ends. @param {Context} context */
export async function largeAmongSmall({ open }) {
  const memory = createAllocator({ backend: open(), admission: { waitMsMax: 60_000 } });
  /** @type {Secret[]} */
  const held = [];
  while (errorOf(() => held.push(memory.allocateSync(32))) === undefined);
  const full = { held: held.length, locked: lockedByteLength() };
  let served = false;
  const large = memory.allocate(LIMIT / 2).then((secret) => {
    served = true;
    secret.dispose();
  });
  const { unmapCalls } = memory.stats().primary;
  /** @type {Promise<unknown>[]} */
  const stream = [];
  let releases = 0;
  for (const bound = 2 * held.length; !served && releases < bound; releases++) {
    stream.push(memory.allocate(32).then((secret) => held.push(secret)));
    held.shift()?.dispose();
    await turn();
  }
  const regionsGivenBack = memory.stats().primary.unmapCalls - unmapCalls;
  await large;
  await Promise.all(stream);
  for (const secret of held) secret.dispose();
  await memory.close();
  return { full, served, releases, regionsGivenBack, lockedAfter: lockedByteLength() };
}

/** A13: one small secret lives on in each page. @param {Context} context */
export async function fragmented({ open }) {
  const memory = createAllocator({ backend: open(), routing: { slabByteLengthMax: PAGE } });
  /** @type {Secret[]} */
  const secrets = [];
  while (errorOf(() => secrets.push(memory.allocateSync(64))) === undefined);
  const perPage = secrets.length / (LIMIT / PAGE);
  for (const [i, secret] of secrets.entries()) if (i % perPage !== 0) secret.dispose();
  const refused = errorOf(() => memory.allocateSync(2 * PAGE));
  const late = await memory.allocate(2 * PAGE, { waitMsMax: 20 }).then(() => undefined, said);
  await memory.close();
  return { refused, late };
}

/** M15: what an allocator is told to expect against what there is. @param {Context} context */
export async function headroom({ open, options: { secretsMax } }) {
  const warnings = heard('headroom');
  const memory = createAllocator({ backend: open(), budget: { secretsMax } });
  await memory.close();
  return warnings.map(({ neededByteLength, availableByteLength }) => ({
    neededByteLength,
    availableByteLength,
  }));
}

/** X2: a sandbox forbids locking, whatever the limit; without `forbid` the same works. @param {Context} context */
export async function sandboxed({ open, options: { forbid } }) {
  const backend = open();
  if (forbid && !forbidLocking()) return { notProven: 'no seccomp filter can be set here' };
  const memory = createAllocator({ backend, fallback: nolockBackend() });
  const refused = await memory.allocate(32).then(
    (secret) => void secret.dispose(),
    (error) => said(error),
  );
  const { locked, fallback } = memory.allocateSync(32, { onCapacity: 'fallback' }).receipt;
  const { waits } = memory.stats().admission;
  await memory.close();
  return { refused, waits, receipt: { locked, fallback }, lockedAfter: lockedByteLength() };
}
