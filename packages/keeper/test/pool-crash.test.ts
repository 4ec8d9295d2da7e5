import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { terminate } from '@securemem/core';
import { childLimits, fullRunVariable, repetitions } from '@securemem/proof';
import { describe, expect, it } from 'vitest';
import { type KeeperPoolStats, openKeeperPool } from '../src/index.js';
import {
  ACTIVITIES,
  CAUSES,
  type Cause,
  type Cell,
  expectedActivity,
  POLICIES,
} from './crash-cells.js';
import { bytes, freshFile, isAlive, linesOf, quickRetry, SUBJECT, text } from './open-subject.js';

const CELL_HOST = new URL('./hosts/pool-cell.mjs', import.meta.url).pathname;
const LOOP_HOST = new URL('./hosts/crash-loop.mjs', import.meta.url).pathname;
const CALLS = 200;
const RESTARTS_MAX = 2;

const full = process.env[fullRunVariable] === 'full';

/** All cells, or one for each cause in which every activity meets every policy: their numbers have no divisor in common. */
const cells: Cell[] = (Object.keys(CAUSES) as Cause[]).flatMap((cause, n) => {
  const activities = full ? ACTIVITIES : ACTIVITIES.slice(n % 3, (n % 3) + 1);
  const policies = full ? POLICIES : POLICIES.slice(n % 4, (n % 4) + 1);
  return activities.flatMap((activity) => policies.map((policy) => ({ cause, activity, policy })));
});

/** The codes with which a call may end that did not succeed. */
const NOT_REPEATED = ['ERR_SECMEM_KEEPER_CRASHED', 'ERR_SECMEM_KEEPER_PROTOCOL'];
const CODES: Record<Cell['policy'], readonly string[]> = {
  halt: ['ERR_SECMEM_OUTCOME_UNKNOWN', 'ERR_SECMEM_KEEPER_HALTED', ...NOT_REPEATED],
  'halt with exit': [],
  terminate: ['ERR_SECMEM_OUTCOME_UNKNOWN', ...NOT_REPEATED],
  retry: ['ERR_SECMEM_OUTCOME_UNKNOWN'],
};

/** How often each call was carried out, by the file that the operations write. Where all are killed at once, none may have begun. */
function timesCarriedOut(log: string): Map<number, number> {
  const times = new Map<number, number>();
  for (const line of existsSync(log) ? linesOf(log) : []) {
    times.set(Number(line), (times.get(Number(line)) ?? 0) + 1);
  }
  return times;
}

/** `ends` is undefined where the host has ended itself, and nobody was told. */
function expectNothingTwice(log: string, ends: readonly string[] | undefined): void {
  const times = timesCarriedOut(log);
  for (let id = 0; id < CALLS; id++) {
    const count = times.get(id) ?? 0;
    const most = ends !== undefined && id % 2 === 0 ? 2 : 1;
    expect([id, count, ends?.[id]]).toSatisfy(() => count <= most);
    if (ends?.[id] === 'done') expect([id, count]).toSatisfy(() => count >= 1);
  }
}

interface Told {
  readonly pids?: number[];
  readonly ends?: string[];
  readonly crash?: object;
  readonly stats?: KeeperPoolStats;
  readonly secretsLeft?: number;
}

async function runCell({ cause, activity, policy }: Cell, log: string) {
  const host = spawn(process.execPath, [CELL_HOST, cause, activity, policy, log], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  host.stdout.on('data', (piece) => {
    said.stdout += piece;
  });
  host.stderr.on('data', (piece) => {
    said.stderr += piece;
  });
  const [code] = await once(host, 'close');
  const told = said.stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Told);
  return { code, stderr: said.stderr, told };
}

describe('a pool of four with 200 calls in flight', () => {
  it.each(cells)(
    'S1 S2 S3 S5 loses, repeats and hangs nothing when one dies by $cause, $activity, under $policy',
    { timeout: 600_000 },
    async (cell) => {
      for (let n = 0; n < repetitions(10); n++) await killOne(cell);
    },
  );
});

/** Who still lives after so many looks, 50 ms apart, or sooner if nobody does. */
async function leftAfter(pids: readonly number[], looks: number): Promise<number[]> {
  for (let n = 0; n < looks && pids.some(isAlive); n++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return pids.filter(isAlive);
}

async function killOne(cell: Cell): Promise<void> {
  const log = freshFile();
  const { code, stderr, told } = await runCell(cell, log);
  const { category, ...status } = CAUSES[cell.cause];
  const pids = told.flatMap((line) => line.pids ?? []).filter((pid) => pid > 0);
  expect(new Set(pids).size).toBeGreaterThanOrEqual(4);
  // Those of a host that ended itself notice that a moment later.
  const left = await leftAfter(pids, cell.policy === 'halt with exit' ? 200 : 0);
  expect(left).toEqual([]);
  expect(told.at(-1)).toEqual({ secretsLeft: 0 });
  if (cell.policy === 'halt with exit') {
    expect(code).toBe(70);
    expect(stderr).toMatch(/^securemem: keeper \d+ \(life 1\) crashed, [^\n]*; halting\n$/);
    expect(stderr).toContain(`crashed, ${category}:`);
    expectNothingTwice(log, undefined);
    return;
  }
  expect([code, stderr]).toEqual([0, '']);
  const { ends = [], crash, stats } = told.find((line) => line.ends !== undefined) ?? {};
  expect(crash).toEqual({ category, ...status, activity: expectedActivity(cell) });
  expect(ends).toHaveLength(CALLS);
  expect(ends.filter((end) => end !== 'done' && !CODES[cell.policy].includes(end))).toEqual([]);
  expectNothingTwice(log, ends);
  expect(stats).toMatchObject({ openCalls: 0, waitingCalls: 0, crashes: 1 });
  expect(stats?.restarts).toBeLessThanOrEqual(RESTARTS_MAX);
  if (cell.policy === 'retry') {
    expect(ends.filter((end, id) => id % 2 === 0 && end !== 'done')).toEqual([]);
  }
  // One that dies without a call takes nothing from those that work, where it does not take them along.
  if (cell.policy !== 'halt' && expectedActivity(cell) === 'idle') {
    expect(ends.filter((end) => end !== 'done')).toEqual([]);
  }
}

/** A small generator of numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const SIGNALS: NodeJS.Signals[] = ['SIGKILL', 'SIGSEGV', 'SIGABRT', 'SIGTERM', 'SIGBUS', 'SIGQUIT'];

describe('a pool whose members are killed at random', () => {
  it.each(Array.from({ length: repetitions(30) }, (_, n) => n))(
    'settles each call once and carries none out twice (seed %i)',
    { timeout: 120_000 },
    async (seed) => {
      const random = randomNumbers(seed);
      const log = freshFile();
      const pool = await openKeeperPool({
        module: SUBJECT,
        size: 4,
        crashPolicy: quickRetry({ restartsMax: 5, windowMs: 600_000, then: terminate() }),
      });
      const pids = new Set(pool.stats().members.map(({ pid }) => pid));
      pool.on('restart', ({ pid }) => pids.add(pid));
      const counts = new Array(CALLS).fill(0);
      // Each answer may be the moment of a death, of any member, whatever it does.
      const mayKill = (): void => {
        if (random() > 0.08) return;
        const { pid } = pool.stats().members[Math.floor(random() * 4)] ?? { pid: 0 };
        const signal = SIGNALS[Math.floor(random() * SIGNALS.length)] as NodeJS.Signals;
        if (pid > 0 && isAlive(pid)) process.kill(pid, signal);
        pids.add(pid);
      };
      const ends = await Promise.all(
        counts.map(async (_, id) => {
          try {
            const payload = bytes(`${log}\n${id}`);
            const answer = await pool.call('appendSlowly', payload, { idempotent: id % 2 === 0 });
            return text(answer) === String(id) ? 'done' : 'the answer of another call';
          } catch (error) {
            return (error as { code?: string }).code ?? String(error);
          } finally {
            counts[id]++;
            mayKill();
          }
        }),
      );
      const codes = [...CODES.retry, 'ERR_SECMEM_KEEPER_LOST', ...NOT_REPEATED];
      expect(ends.filter((end) => end !== 'done' && !codes.includes(end))).toEqual([]);
      expect(counts.filter((count) => count !== 1)).toEqual([]);
      expectNothingTwice(log, ends);
      expect(pool.stats()).toMatchObject({ openCalls: 0, waitingCalls: 0 });
      expect(pool.stats().restarts).toBeLessThanOrEqual(5);
      for (const { pid } of pool.stats().members) pids.add(pid);
      await pool.kill();
      expect([...pids].filter((pid) => pid > 0 && isAlive(pid))).toEqual([]);
    },
  );
});

interface Cost {
  readonly count: number;
  readonly hostMs: number;
  readonly childrenMs: number;
  readonly byteLength: number;
}

it('twenty pools that crash in a loop cost bounded time and memory, and say nothing', {
  timeout: 600_000,
}, () => {
  const pools = repetitions(20);
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--expose-gc', LOOP_HOST, String(pools)],
    { encoding: 'utf8', ...childLimits() },
  );
  // Each keeper writes to its standard error at its import, its start and its end. Nobody has asked for that.
  expect(stderr).toBe('');
  const { peace, loop, stats }: { peace: Cost; loop: Cost; stats: KeeperPoolStats[] } =
    JSON.parse(stdout);
  expect(stats).toHaveLength(pools);
  for (const each of stats) expect(each).toMatchObject({ restarts: 6, crashes: 8, lostMembers: 2 });
  console.log(
    `${pools} pools, ${loop.count} crashes, for each: ${loop.hostMs.toFixed(1)} ms of processor time in the host ` +
      `(${peace.hostMs.toFixed(1)} for a keeper that is opened and closed), ${loop.childrenMs.toFixed(0)} in the keeper ` +
      `(${peace.childrenMs.toFixed(0)}), ${Math.round(loop.byteLength)} bytes kept`,
  );
  // A crash costs what a start and an end cost, and a report of it: a loop without a pause would cost hundreds of times as much.
  expect(loop.hostMs).toBeLessThan(5 * peace.hostMs + 5);
  expect(loop.childrenMs).toBeLessThan(5 * peace.childrenMs + 50);
  // A pool that is lost keeps its members and what they had, some hundred KiB, however often they crashed.
  expect(loop.byteLength * loop.count).toBeLessThan(pools * 1_048_576);
});
