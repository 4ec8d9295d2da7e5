import { subscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { createAllocator } from '@securemem/core';
import koffi from 'koffi';

const libc = koffi.load(null);
const munlockall = libc.func('int munlockall()');
const mprotect = libc.func('int mprotect(void *, size_t, int)');
const madvise = libc.func('int madvise(void *, size_t, int)');
const move = libc.func('void *memmove(void *, const void *, size_t)');

const PAGE = 4096;
const [PROT_READ, PROT_WRITE] = [1, 2];
const [MADV_DOFORK, MADV_DODUMP, MADV_KEEPONFORK, MADV_PAGEOUT] = [11, 17, 19, 21];

/** What other code in the process can do to a page with one call. @type {Record<string, (page: unknown) => number>} */
const attacks = {
  munlockall: () => munlockall(),
  pageout: (page) => munlockall() + madvise(page, PAGE, MADV_PAGEOUT),
  dodump: (page) => madvise(page, PAGE, MADV_DODUMP),
  dofork: (page) => madvise(page, PAGE, MADV_DOFORK) + madvise(page, PAGE, MADV_KEEPONFORK),
  mprotect: (page) => mprotect(page, PAGE, PROT_READ | PROT_WRITE),
  nothing: () => 0,
};

/** How much of the mapping that a page begins is in memory, by the kernel. @param {unknown} page */
function residentKibOf(page) {
  const start = koffi.address(page).toString(16);
  const smaps = readFileSync('/proc/self/smaps', 'latin1');
  const from = smaps.search(new RegExp(`^0*${start}-`, 'm'));
  return Number(/^Rss:\s+(\d+) kB/m.exec(smaps.slice(from))?.[1]);
}

/** @typedef {'locked' | 'dumpExcluded' | 'forkSafe' | 'noAccessAtRest'} Promised */

const turn = () => new Promise((resolve) => setImmediate(resolve));

/**
 * One attack on the page of a secret, and what is said before and after.
 * @param {{ open: () => import('@securemem/core').MemoryBackend, options: any }} context
 */
export async function taken({ open, options }) {
  const { attack } = options;
  const guarantee = /** @type {Promised} */ (options.guarantee);
  const memory = createAllocator({ backend: open(), atRest: 'no-access', require: [guarantee] });
  /** @type {unknown[]} */
  const events = [];
  subscribe('securemem:protection-lost', (message) => void events.push(message));
  // A page to itself and all of it, so that the view begins where the page does.
  const secret = memory.randomSync(PAGE);
  const pooled = memory.randomSync(32);
  const page = secret.read((bytes) => move(bytes, bytes, 0));
  await turn();
  const status = attacks[attack]?.(page);
  const residentKib = residentKibOf(page);
  const early =
    attack === 'munlockall' || attack === 'pageout' ? secret.receipt[guarantee] : undefined;
  const { ok } = memory.verify();
  const { primary, events: counts } = memory.stats();
  const answer = {
    status,
    residentKib,
    early,
    ok,
    claimed: secret.receipt[guarantee],
    pooledClaimed: pooled.receipt[guarantee],
    reasons: secret.receipt.weaknesses.map(({ reason }) => reason).join('; '),
    locked: primary.lockedByteLength,
    mapped: primary.mappedByteLength,
    events: events.length,
    counted: counts['protection-lost'],
    fresh: memory.randomSync(PAGE).receipt[guarantee],
    freshPooled: memory.randomSync(32).receipt[guarantee],
  };
  await memory.close();
  return answer;
}
