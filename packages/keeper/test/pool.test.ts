import { existsSync } from 'node:fs';
import { halt, isSecureMemoryError, retry, terminate } from '@securemem/core';
import { afterEach, describe, expect, it } from 'vitest';
import { type KeeperPool, type KeeperPoolOptions, openKeeperPool } from '../src/index.js';
import {
  bytes,
  freshFile,
  isAlive,
  linesOf,
  quickRetry,
  rejectionOf,
  SUBJECT,
  text,
} from './open-subject.js';

const pools: KeeperPool[] = [];

async function openPool(options: Partial<KeeperPoolOptions> = {}): Promise<KeeperPool> {
  const pool = await openKeeperPool({ module: SUBJECT, size: 2, ...options });
  pools.push(pool);
  return pool;
}

const pidOf = (pool: KeeperPool, member: number): number => pool.stats().members[member]?.pid ?? 0;
const pidsOf = (pool: KeeperPool): number[] => pool.stats().members.map(({ pid }) => pid);

/** Resolves when a condition holds, looked at in each turn of the loop. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

async function whoAnswers(pool: KeeperPool, calls: number): Promise<number[]> {
  const answers = await Promise.all(Array.from({ length: calls }, () => pool.call('pid')));
  return answers.map((answer) => Number(text(answer)));
}

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.kill()));
});

describe('a pool', () => {
  it('gives calls to the member that has the fewest, and counts in sum and for each', async () => {
    const pool = await openPool({ size: 3 });
    const pids = pidsOf(pool);
    expect(new Set(pids).size).toBe(3);
    expect(new Set(await whoAnswers(pool, 30))).toEqual(new Set(pids));
    // Two that do not end make one member busier than the others by one, and another by one.
    void rejectionOf(pool.call('hold'));
    void rejectionOf(pool.call('hold'));
    const holding = pool.stats().members.filter(({ openCalls }) => openCalls > 0);
    expect(holding).toHaveLength(2);
    const [free] = pids.filter((pid) => !holding.some((member) => member.pid === pid));
    for (let n = 0; n < 5; n++) expect(await whoAnswers(pool, 1)).toEqual([free]);
    expect(pool.stats()).toMatchObject({
      readyMembers: 3,
      openCalls: 2,
      calls: 37,
      lostMembers: 0,
    });
    await pool.kill();
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('keeps calls with the same affinity together, and moves only those of a member that is gone', async () => {
    const pool = await openPool({ size: 3, crashPolicy: terminate() });
    const keys = Array.from({ length: 60 }, (_, n) => `wallet ${n}`);
    const homes = async (): Promise<Record<string, string>> =>
      Object.fromEntries(
        await Promise.all(
          keys.map(async (affinity) => [
            affinity,
            text(await pool.call('pid', undefined, { affinity })),
          ]),
        ),
      );
    const before = await homes();
    expect(await homes()).toEqual(before);
    expect(new Set(Object.values(before)).size).toBe(3);
    const gone = String(pidOf(pool, 1));
    process.kill(Number(gone), 'SIGKILL');
    await until(() => pool.stats().lostMembers === 1);
    const after = await homes();
    for (const key of keys) {
      if (before[key] === gone) expect(after[key]).not.toBe(gone);
      else expect(after[key]).toBe(before[key]);
    }
  });

  it('gives no call to a member that is being started again', async () => {
    const pool = await openPool({
      crashPolicy: retry({ backoff: { baseMs: 600_000, capMs: 600_000 }, retryShutdowns: true }),
    });
    const [first, second] = pidsOf(pool) as [number, number];
    process.kill(first, 'SIGKILL');
    await until(() => pool.stats().members[0]?.state === 'restarting');
    expect(await whoAnswers(pool, 20)).toEqual(new Array(20).fill(second));
  });

  it('sends a call that may be repeated to another member at once, and no other one', async () => {
    const pool = await openPool({
      crashPolicy: retry({ backoff: { baseMs: 600_000, capMs: 600_000 }, retryShutdowns: true }),
    });
    const log = freshFile();
    const pids = pidsOf(pool);
    const once = rejectionOf(pool.call('hold'));
    const held = pool.stats().members.findIndex(({ openCalls }) => openCalls === 1);
    const other = 1 - held;
    await pool.drain(other);
    const again = pool.call('appendThenHold', bytes(log), { idempotent: true });
    await until(() => existsSync(log) && linesOf(log).length === 1);
    pool.resume(other);
    const unknown = new Promise((resolve) => pool.on('crash', resolve));
    process.kill(pidOf(pool, held), 'SIGKILL');
    expect(await unknown).toMatchObject({ member: held, category: 'external-kill' });
    expect((await once).code).toBe('ERR_SECMEM_OUTCOME_UNKNOWN');
    // The other member is in its first life, too, so the call stands still there: it was carried out again, once.
    await until(() => linesOf(log).length === 2);
    expect(pool.stats()).toMatchObject({ replays: 1 });
    const ended = rejectionOf(again);
    await pool.kill();
    expect((await ended).code).toMatch(/^ERR_SECMEM_KEEPER_(CRASHED|PROTOCOL)$|OUTCOME_UNKNOWN/);
    expect(linesOf(log)).toEqual([pids[held], pids[other]].map(String));
  });

  it('lets members share one budget of restarts', async () => {
    const pool = await openPool({
      size: 4,
      crashPolicy: quickRetry({ restartsMax: 3, windowMs: 600_000, then: terminate() }),
    });
    const lost: number[] = [];
    pool.on('lost', ({ member }) => lost.push(member));
    // All die in one moment: three of the four may live again.
    for (const pid of pidsOf(pool)) process.kill(pid, 'SIGKILL');
    await until(() => pool.stats().readyMembers === 3 && lost.length === 1);
    expect(pool.stats()).toMatchObject({ restarts: 3, crashes: 4, lostMembers: 1 });
    expect(await whoAnswers(pool, 3)).toHaveLength(3);
    for (const pid of pidsOf(pool).filter(Boolean)) process.kill(pid, 'SIGKILL');
    await until(() => pool.stats().lostMembers === 4);
    const refused = await rejectionOf(pool.call('echo'));
    expect(isSecureMemoryError(refused, 'ERR_SECMEM_KEEPER_LOST')).toBe(true);
    expect(pool.stats()).toMatchObject({ restarts: 3, crashes: 7 });
  });

  it('halts as a whole, and says so once', async () => {
    const pool = await openPool({ size: 3, crashPolicy: halt() });
    const pids = pidsOf(pool);
    let halts = 0;
    pool.on('halt', () => halts++);
    const waiting = rejectionOf(pool.call('hold'));
    process.kill(pids[2] as number, 'SIGSEGV');
    await until(() => pool.stats().lostMembers === 3);
    expect((await rejectionOf(pool.call('echo'))).code).toBe('ERR_SECMEM_KEEPER_HALTED');
    expect((await waiting).code).toBe('ERR_SECMEM_OUTCOME_UNKNOWN');
    await pool.close();
    expect(halts).toBe(1);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('bounds all its calls by one maximum, and those that wait by one time', async () => {
    const pool = await openPool({ callsMax: 4, callMsMax: 600_000 });
    await pool.drain(0);
    await pool.drain(1);
    const late = pool.call('echo', bytes('late'), { callMsMax: 1 });
    expect((await rejectionOf(late)).code).toBe('ERR_SECMEM_WAIT_TIMEOUT');
    const waiting = Array.from({ length: 4 }, (_, n) => pool.call('echo', bytes(String(n))));
    expect((await rejectionOf(pool.call('echo'))).code).toBe('ERR_SECMEM_QUEUE_FULL');
    expect(pool.stats()).toMatchObject({ waitingCalls: 4, openCalls: 0, readyMembers: 0 });
    const reason = new Error('enough');
    const abort = new AbortController();
    await pool.drain(1);
    pool.resume(0);
    expect((await Promise.all(waiting)).map(text)).toEqual(['0', '1', '2', '3']);
    await pool.drain(0);
    const aborted = rejectionOf(pool.call('echo', bytes('x'), { signal: abort.signal }));
    abort.abort(reason);
    expect(await aborted).toBe(reason);
    expect(pool.stats()).toMatchObject({ waitingCalls: 0 });
  });

  it('replaces its members one after the other while it works, and takes nothing from the restarts', async () => {
    const pool = await openPool({ crashPolicy: retry({ restartsMax: 1, windowMs: 600_000 }) });
    const before = pidsOf(pool);
    let answered = 0;
    let ready = 2;
    let working = true;
    const work = (async () => {
      while (working) {
        await pool.call('echo', bytes('x'));
        answered++;
        ready = Math.min(ready, pool.stats().readyMembers);
      }
    })();
    await until(() => answered > 0);
    await pool.restart();
    const during = answered;
    working = false;
    await work;
    expect(during).toBeGreaterThan(0);
    expect(ready).toBe(1);
    expect(pidsOf(pool).filter((pid) => before.includes(pid))).toEqual([]);
    expect(before.filter(isAlive)).toEqual([]);
    expect(pool.stats()).toMatchObject({
      plannedRestarts: 2,
      restarts: 0,
      crashes: 0,
      readyMembers: 2,
    });
  });

  it('starts its members one after the other', async () => {
    const log = freshFile();
    const [first, second] = await Promise.all([
      openPool({
        module: new URL('./modules/takes-turns.mjs', import.meta.url),
        size: 3,
        env: { LOG: log },
      }),
      rejectionOf(openKeeperPool({ module: SUBJECT, size: 0 })),
    ]);
    // Each start writes a line at its beginning and one at its end: they never interleave.
    const lines = linesOf(log);
    expect(lines).toHaveLength(6);
    for (let n = 0; n < 6; n += 2) expect(lines[n + 1]).toBe(lines[n]?.replace('begins', 'ends'));
    expect(first.size).toBe(3);
    expect(second).toBeInstanceOf(RangeError);
  });

  it('leaves nothing of a start that fails or is given up', async () => {
    const log = freshFile();
    const module = new URL('./modules/starts.mjs', import.meta.url);
    const failed = await rejectionOf(
      openKeeperPool({ module, size: 3, env: { FAULT: 'reject', LOG: log } }),
    );
    expect(failed.code).toBe('ERR_SECMEM_KEEPER_CRASHED');
    const abort = new AbortController();
    const reason = new Error('given up');
    const given = rejectionOf(
      openKeeperPool({ module, size: 2, env: { FAULT: 'hang', LOG: log }, signal: abort.signal }),
    );
    const started = linesOf(log).length;
    await until(() => linesOf(log).length > started);
    abort.abort(reason);
    expect(await given).toBe(reason);
    expect(linesOf(log).map(Number).filter(isAlive)).toEqual([]);
  });

  it('refuses options that make no sense before anything starts', async () => {
    const refused: [object, unknown][] = [
      [{ size: 65 }, RangeError],
      [{ size: 1.5 }, RangeError],
      [{ size: 2, limits: { lockedByteLengthMax: 2 ** 50 } }, RangeError],
      [{ size: 2, listeners: { drop: () => {} } }, TypeError],
      [{ size: 2, listeners: { crash: 1 } }, TypeError],
      [{ size: 2, signal: {} }, TypeError],
      [{ size: 2, sizes: 2 }, TypeError],
    ];
    for (const [options, error] of refused) {
      expect(
        await rejectionOf(openKeeperPool({ module: SUBJECT, ...options } as never)),
      ).toBeInstanceOf(error as new () => Error);
    }
    const pool = await openPool();
    await expect(pool.drain(2)).rejects.toThrow(RangeError);
    expect(() => pool.resume(-1)).toThrow(RangeError);
    await expect(pool.call('echo', undefined, { affinity: 1 as never })).rejects.toThrow(TypeError);
    await expect(pool.call('none')).rejects.toThrow(RangeError);
  });
});
