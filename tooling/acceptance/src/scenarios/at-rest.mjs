import { createAllocator } from '@securemem/core';
import koffi from 'koffi';
import { lockedMappings } from '../kernel-facts.mjs';

/** Pages that are closed while nobody uses them, judged by the kernel: M7, X16. */

/** @typedef {import('@securemem/core').Secret} Secret */
/** @typedef {{ open: () => import('@securemem/core').MemoryBackend, options: any }} Context */

const COUNT = 1_000;

/** What the kernel lets this process do with its locked pages: one word for each kind that there is. */
const permissions = () => [
  ...new Set(lockedMappings().map(({ permissions: word }) => word.slice(0, 3))),
];

/** M7: three overlapping readers of two secrets of one slab, then a writer of one. @param {Context} context */
export async function overlapping({ open }) {
  const memory = createAllocator({ backend: open(), atRest: 'no-access' });
  const [a, b] = /** @type {[Secret, Secret]} */ (
    /** @type {unknown} */ (memory.allocateAllSync([64, 64]))
  );
  await Promise.resolve();
  const seen = [permissions()];
  const leases = [a.lend(), b.lend(), a.lend()];
  seen.push(permissions());
  for (const lease of leases) {
    lease.release();
    await Promise.resolve();
    seen.push(permissions());
  }
  const writing = b.lend({ mode: 'write' });
  seen.push(a.read(permissions));
  writing.release();
  await Promise.resolve();
  seen.push(permissions());
  return { slabs: memory.stats().primary.slabs.length, seen };
}

/** M7: many secrets are disposed in one turn, each wiped when that returns. @param {Context} context */
export async function disposedInOneTurn({ open }) {
  const backend = open();
  const memory = createAllocator({ backend, atRest: 'no-access', exitHooks: false });
  const secrets = Array.from({ length: COUNT }, () => memory.allocateSync(64));
  for (const secret of secrets) secret.write((bytes) => bytes.fill(0x5e));
  const addresses = secrets.map((secret) => secret.read((bytes) => koffi.address(bytes)));
  await Promise.resolve();
  let protects = 0;
  const protect = backend.protect.bind(backend);
  backend.protect = (region, protection) => {
    protects++;
    protect(region, protection);
  };
  const { length: slabs } = memory.stats().primary.slabs;
  const readable = addresses.filter((address, i) => {
    secrets[i]?.dispose();
    return koffi.decode(address, 'uint8_t', 64).some((/** @type {number} */ byte) => byte !== 0);
  }).length;
  await Promise.resolve();
  return { readable, perSlab: protects / slabs, after: permissions() };
}

/** M7: a level that the backend does not have. @param {Context} context */
export function refused({ open }) {
  return ['read-only', 'no-access'].map((atRest) => {
    try {
      createAllocator({ backend: open(), atRest: /** @type {any} */ (atRest) });
      return 'accepted';
    } catch (error) {
      return /** @type {any} */ (error).code;
    }
  });
}

/**
 * X16: a stray touch of a closed page in a program that listens to SIGSEGV, or does not. Says on standard error that it is
 * about to; does not return. @param {Context} context
 */
export async function touchBesideListener({ open, options }) {
  if (options.listens) process.on('SIGSEGV', () => {});
  const memory = createAllocator({ backend: open(), atRest: 'no-access' });
  const address = memory.allocateSync(64).read((bytes) => koffi.address(bytes));
  await Promise.resolve();
  const warnings = memory.stats().events['sigsegv-listener'];
  process.stderr.write(`touching, ${warnings} warnings\n`);
  koffi.decode(address, 'uint8_t');
  process.stderr.write('survived\n');
}
