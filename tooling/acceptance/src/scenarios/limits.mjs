import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createAllocator } from '@securemem/core';
import { lockedByteLength } from '../kernel-facts.mjs';

/** Which limit bound, and what the error says of it: X2 to X6, X12, A6, A7, M8, M9. */

/** @typedef {{ open: () => import('@securemem/core').MemoryBackend, options: any }} Context */

const OWN_PAGES = { routing: { pooledByteLengthMax: 0 } };

/** What an error says, without its stack. @param {any} error */
const said = (error) => ({
  code: error.code,
  kind: error.kind,
  errno: error.errno,
  syscall: error.syscall,
  backend: error.backend,
  details: error.details,
  message: error.message,
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

/** Changes the soft limit of this very process, as an operator would. @param {number} soft */
function setSoftLimit(soft) {
  execFileSync('prlimit', ['--pid', String(process.pid), `--memlock=${soft}:`]);
}

/** The effective capabilities, as the kernel prints them. */
function capabilities() {
  return /^CapEff:\s+(\w+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
}

/** How many pages can be had, and what the next one says. @param {Context} context */
export function fill({ open }) {
  const backend = open();
  const memory = createAllocator({ backend, ...OWN_PAGES });
  const limit = backend.lockLimit();
  let pages = 0;
  const error = errorOf(() => {
    for (; pages < 100_000; pages++) memory.allocateSync(32);
  });
  return { pages, error, limit, locked: lockedByteLength(), capabilities: capabilities() };
}

/** X6: the limit is lowered on the live process. @param {Context} context */
export async function loweredLive({ open, options }) {
  const memory = createAllocator({ backend: open() });
  const kept = memory.allocateSync(32);
  kept.write((bytes) => bytes.fill(7));
  const lowered = options.toWhatIsLocked ? lockedByteLength() : 0;
  setSoftLimit(lowered);
  const small = Array.from({ length: 50 }, () => memory.allocateSync(32));
  const page = errorOf(() => memory.allocateSync(4000));
  const waiting = await memory.allocate(4000, { waitMsMax: 50 }).catch(said);
  const intact = kept.read((bytes) => bytes.every((byte) => byte === 7));
  setSoftLimit(65_536);
  const after = memory.allocateSync(4000).byteLength;
  for (const secret of small) secret.dispose();
  await memory.close();
  return { page, waiting, intact, after, lockedAfter: lockedByteLength() };
}

/** A6: a warm page serves without the system. @param {Context} context */
export async function warmPage({ open }) {
  const memory = createAllocator({ backend: open(), budget: { lockedByteLengthMin: 4096 } });
  const warm = lockedByteLength();
  setSoftLimit(0);
  const { mapCalls } = memory.stats().primary;
  for (let i = 0; i < 1_000; i++) {
    const secret = await memory.allocate(32);
    if (!secret.read((bytes) => bytes.every((byte) => byte === 0))) throw new Error('not zero');
    secret.write((bytes) => bytes.fill(0xee));
    secret.dispose();
  }
  const { mapCalls: mapCallsAfter } = memory.stats().primary;
  await memory.close();
  return { warm, mapCalls, mapCallsAfter };
}

/** A6: the warm page is full, and the limit allows no other. @param {Context} context */
export async function warmPageFull({ open }) {
  const memory = createAllocator({ backend: open(), budget: { lockedByteLengthMin: 4096 } });
  setSoftLimit(4096);
  /** @type {import('@securemem/core').Secret[]} */
  const secrets = [];
  const refused = errorOf(() => {
    for (;;) secrets.push(memory.allocateSync(64));
  });
  for (const secret of secrets) secret.write((bytes) => bytes.fill(0xee));
  const next = memory.allocate(64);
  const { waiting } = memory.stats().admission;
  secrets[7]?.dispose();
  const zero = (await next).read((bytes) => bytes.every((byte) => byte === 0));
  const held = secrets.length;
  const locked = lockedByteLength();
  await memory.close();
  return { held, refused, waiting, zero, locked, lockedAfter: lockedByteLength() };
}

/** A7: raising the soft limit. @param {Context} context */
export function raises({ open }) {
  const backend = open();
  const error = errorOf(() => createAllocator({ backend, budget: { raiseLimit: true } }));
  return { error, limit: backend.lockLimit(), locked: lockedByteLength() };
}

/** M8 and M9: a refused allocation hurts nobody, wherever it strikes. @param {Context} context */
export async function blastRadius({ open }) {
  const memory = createAllocator({ backend: open() });
  const secrets = Array.from({ length: 100 }, (_, i) => {
    const secret = memory.allocateSync(64);
    secret.write((bytes) => bytes.fill(i + 1));
    return secret;
  });
  setSoftLimit(0);
  const error = errorOf(() => memory.allocateSync(20_000));
  const intact = secrets.filter((secret, i) =>
    secret.read((bytes) => bytes.every((byte) => byte === i + 1)),
  ).length;
  const since = performance.now();
  const grown = errorOf(() => secrets[0]?.resize(20_000));
  memory.purge();
  // What it emptied goes back in the turns that follow; until then it would serve whoever asks.
  while (memory.stats().primary.regions > 0) await new Promise((r) => setTimeout(r, 0));
  const afterPurge = await memory.allocate(32).catch(said);
  const ms = performance.now() - since;
  await memory.close();
  return { error, intact, grown, afterPurge, ms, lockedAfter: lockedByteLength() };
}
