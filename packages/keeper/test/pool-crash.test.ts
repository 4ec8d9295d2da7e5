import { existsSync } from 'node:fs';
import { CRASH_CATEGORIES, type CrashPolicy, halt, retry, terminate } from '@securemem/core';
import { fullRunVariable, repetitions } from '@securemem/proof';
import { describe, expect, it } from 'vitest';
import { openKeeperPool } from '../src/index.js';
import { CAUSES, type Cause, isSignal } from './crash-cells.js';
import { bytes, freshFile, isAlive, linesOf, rejectionOf, SUBJECT, text } from './open-subject.js';

const SIZE = 4;
const CALLS = 200;
/** Restarts that the pool may use; the death of each cell uses one. */
const RESTARTS_MAX = 2;

const policies: Record<'halt' | 'terminate' | 'retry', () => CrashPolicy> = {
  halt: () => halt(),
  terminate: () => terminate(),
  retry: () =>
    retry({
      restartsMax: RESTARTS_MAX,
      windowMs: 600_000,
      backoff: { baseMs: 2, capMs: 4 },
      categories: CRASH_CATEGORIES,
      retryShutdowns: true,
      then: terminate(),
    }),
};

const full = process.env[fullRunVariable] === 'full';
const cells = (Object.keys(CAUSES) as Cause[]).flatMap((cause, index) =>
  (Object.keys(policies) as (keyof typeof policies)[])
    .filter((_, policy) => full || (index + policy) % 4 === 0)
    .map((policy) => ({ cause, policy })),
);

/** The codes with which a call may end that did not succeed. */
const NOT_REPEATED = ['ERR_SECMEM_KEEPER_CRASHED', 'ERR_SECMEM_KEEPER_PROTOCOL'];
const CODES: Record<keyof typeof policies, readonly string[]> = {
  halt: ['ERR_SECMEM_OUTCOME_UNKNOWN', 'ERR_SECMEM_KEEPER_HALTED', ...NOT_REPEATED],
  terminate: ['ERR_SECMEM_OUTCOME_UNKNOWN', ...NOT_REPEATED],
  retry: ['ERR_SECMEM_OUTCOME_UNKNOWN'],
};

describe('a pool of four with 200 calls in flight', () => {
  it.each(cells)(
    'S1 S5 loses, repeats and hangs nothing when one dies by $cause under $policy',
    { timeout: 600_000 },
    async ({ cause, policy }) => {
      for (let n = 0; n < repetitions(10); n++) await killOne(cause, policy);
    },
  );
});

async function killOne(cause: Cause, policy: keyof typeof policies): Promise<void> {
  const log = freshFile();
  const pool = await openKeeperPool({
    module: SUBJECT,
    size: SIZE,
    crashPolicy: policies[policy](),
    callMsMax: cause === 'SIGSTOP' ? 2_000 : 60_000,
    limits: {
      ...(cause === 'cpu limit' && { cpuSecondsMax: 1 }),
      ...(cause === 'heap exhaustion' && { heapByteLengthMax: 64 * 1024 * 1024 }),
    },
  });
  const pids = pool.stats().members.map(({ pid }) => pid);
  const crash = new Promise((resolve) => pool.on('crash', resolve));
  // Settled more than once would show as two entries, never as a missing one as an endless wait.
  const settled: number[] = [];
  const calls = Array.from({ length: CALLS }, async (_, id) => {
    const idempotent = id % 2 === 0;
    try {
      const answer = await pool.call('appendSlowly', bytes(`${log}\n${id}`), { idempotent });
      return text(answer) === String(id) ? 'done' : 'the answer of another call';
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    } finally {
      settled.push(id);
    }
  });
  const victim = pool.stats().members.findIndex(({ openCalls }) => openCalls > 0);
  expect(victim).toBeGreaterThanOrEqual(0);
  const died = isSignal(cause)
    ? process.kill(pids[victim] as number, cause as NodeJS.Signals)
    : rejectionOf(pool.call('die', bytes(cause)));
  const ends = await Promise.all(calls);
  await crash;
  await died;

  expect(settled.toSorted((a, b) => a - b)).toEqual(Array.from({ length: CALLS }, (_, id) => id));
  expect(ends.filter((end) => end !== 'done' && !CODES[policy].includes(end))).toEqual([]);
  const carriedOut = new Map<number, number>();
  // Where all are killed at once, none may have begun.
  for (const line of existsSync(log) ? linesOf(log) : [])
    carriedOut.set(Number(line), (carriedOut.get(Number(line)) ?? 0) + 1);
  for (let id = 0; id < CALLS; id++) {
    const count = carriedOut.get(id) ?? 0;
    expect([id, count]).toSatisfy(() => count <= (id % 2 === 0 ? 2 : 1));
    if (ends[id] === 'done') expect(count).toBeGreaterThanOrEqual(1);
  }
  expect(pool.stats().restarts).toBeLessThanOrEqual(RESTARTS_MAX);
  expect(pool.stats()).toMatchObject({ openCalls: 0, waitingCalls: 0 });
  if (policy === 'retry')
    expect(ends.filter((end, id) => id % 2 === 0 && end !== 'done')).toEqual([]);
  const last = pool.stats().members.map(({ pid }) => pid);
  await pool.kill();
  expect([...pids, ...last].filter((pid) => pid > 0 && isAlive(pid))).toEqual([]);
}

it('twenty pools that crash in a loop cost bounded time and memory, and say nothing', {
  timeout: 120_000,
}, async () => {
  const before = process.memoryUsage().heapUsed;
  const spent = process.cpuUsage();
  const startedAtMs = performance.now();
  const pools = await Promise.all(
    Array.from({ length: repetitions(20) }, () =>
      openKeeperPool({
        module: new URL('./modules/starts.mjs', import.meta.url),
        size: 2,
        crashPolicy: retry({
          restartsMax: 6,
          windowMs: 600_000,
          backoff: { baseMs: 50, capMs: 50 },
          retryShutdowns: true,
          then: terminate(),
        }),
      }),
    ),
  );
  for (const pool of pools) {
    pool.on('restart', ({ pid }) => process.kill(pid, 'SIGKILL'));
    for (const { pid } of pool.stats().members) process.kill(pid, 'SIGKILL');
  }
  while (pools.some((pool) => pool.stats().lostMembers < pool.size)) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  for (const pool of pools) expect(pool.stats()).toMatchObject({ restarts: 6, crashes: 8 });
  const { user, system } = process.cpuUsage(spent);
  const perCrashMs = (user + system) / 1_000 / (pools.length * 8);
  const perCrashByteLength = (process.memoryUsage().heapUsed - before) / (pools.length * 8);
  console.log(
    `${pools.length} pools, ${pools.length * 8} crashes in ${Math.round(performance.now() - startedAtMs)} ms: ` +
      `${perCrashMs.toFixed(1)} ms of the host's processor time and ${Math.round(perCrashByteLength)} bytes for each`,
  );
  // A crash costs the host a start and an end; a hundred times that would be a loop without a pause.
  expect(perCrashMs).toBeLessThan(1_000);
  expect(perCrashByteLength).toBeLessThan(1_048_576);
  await Promise.all(pools.map((pool) => pool.close()));
});
