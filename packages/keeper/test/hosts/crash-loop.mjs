// Pools whose members crash as soon as they are ready, for as long as the policy starts them: node --expose-gc crash-loop.mjs <pools>
// It prints what one keeper costs this process that is opened and closed in peace, and what each crash cost, as JSON.
import { readFileSync } from 'node:fs';
import { CRASH_CATEGORIES, retry, terminate } from '@securemem/core';
import { openKeeper, openKeeperPool } from '@securemem/keeper';

const POOLS = Number(process.argv[2]);
const SIZE = 2;
const RESTARTS_MAX = 6;
const module = new URL('../modules/noisy.mjs', import.meta.url);

/** Milliseconds of processor time of this process, without its children. */
function spentMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** The same of its children that have ended and were waited for: fields 16 and 17, in hundredths of a second. */
function spentByChildrenMs() {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) * 10;
}

function heapByteLength() {
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

async function costs(run) {
  const before = [spentMs(), spentByChildrenMs(), heapByteLength()];
  const count = await run();
  const after = [spentMs(), spentByChildrenMs(), heapByteLength()];
  const [hostMs, childrenMs, byteLength] = after.map((value, n) => (value - before[n]) / count);
  return { count, hostMs, childrenMs, byteLength };
}

async function inPeace() {
  for (let n = 0; n < 5; n++) await (await openKeeper({ module })).close();
  return 5;
}

const pools = [];
async function inALoop() {
  const opened = Array.from({ length: POOLS }, () =>
    openKeeperPool({
      module,
      size: SIZE,
      crashPolicy: retry({
        restartsMax: RESTARTS_MAX,
        windowMs: 600_000,
        backoff: { baseMs: 20, capMs: 20 },
        categories: CRASH_CATEGORIES,
        then: terminate(),
      }),
    }),
  );
  pools.push(...(await Promise.all(opened)));
  await Promise.all(
    pools.map(async (pool) => {
      const lost = new Promise((resolve) =>
        pool.on('lost', () => pool.stats().lostMembers === SIZE && resolve()),
      );
      pool.on('restart', () => pool.call('crash').catch(() => {}));
      for (let n = 0; n < SIZE; n++) pool.call('crash').catch(() => {});
      await lost;
    }),
  );
  return POOLS * (RESTARTS_MAX + SIZE);
}

await inPeace();
const peace = await costs(inPeace);
const loop = await costs(inALoop);
const stats = pools.map((pool) => pool.stats());
await Promise.all(pools.map((pool) => pool.close()));
console.log(JSON.stringify({ peace, loop, stats }));
