import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { terminate } from '@securemem/core';
import { repetitions } from '@securemem/proof';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Keeper } from '../src/index.js';
import {
  bytes,
  isAlive,
  killNow,
  nextEvent,
  openSubject,
  quickRetry,
  rejectionOf,
  text,
} from './open-subject.js';

const HOST = new URL('./hosts/open-and.mjs', import.meta.url).pathname;

/** A host in a process of its own; resolves with it, the id of its keeper, and that of a process which the keeper started. */
async function startHost(then: string) {
  const host = spawn(process.execPath, [HOST, then], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(host.stdout, 'data');
  const [keeperPid, childPid] = String(line).split(' ').map(Number) as [number, number];
  return { host, keeperPid, childPid };
}

/** Milliseconds until the process is gone; throws when it is still there after ten times the goal of two seconds. */
async function untilGone(pid: number): Promise<number> {
  const startedAtMs = performance.now();
  while (isAlive(pid)) {
    if (performance.now() - startedAtMs > 20_000) {
      process.kill(pid, 'SIGKILL');
      throw new Error('the keeper lived on');
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return performance.now() - startedAtMs;
}

const descriptors = () => readdirSync('/proc/self/fd').length;

const children = () =>
  readdirSync('/proc/self/task')
    .map((task) => readFileSync(`/proc/self/task/${task}/children`, 'utf8').trim())
    .filter(Boolean).length;

function heapByteLength(): number {
  setFlagsFromString('--expose_gc');
  const collect: () => void = runInNewContext('gc');
  collect();
  return process.memoryUsage().heapUsed;
}

describe('S11 a keeper', () => {
  it.each(['idle', 'spin', 'hold'])('does not outlive a host that is killed (%s)', async (then) => {
    const { host, keeperPid, childPid } = await startHost(then);
    expect([keeperPid, childPid].map(isAlive)).toEqual([true, true]);
    host.kill('SIGKILL');
    await once(host, 'exit');
    const tookMs = await untilGone(keeperPid);
    await untilGone(childPid);
    console.log(`S11 ${then}: no keeper left ${Math.round(tookMs)} ms after its host was killed`);
  });

  it('does not outlive a host that calls process.exit()', async () => {
    const { host, keeperPid, childPid } = await startHost('exit');
    await once(host, 'exit');
    expect(host.exitCode).toBe(5);
    await untilGone(keeperPid);
    await untilGone(childPid);
  });

  it('does not keep a host alive after close()', async () => {
    const { host, keeperPid, childPid } = await startHost('close');
    await once(host, 'exit');
    expect(host.exitCode).toBe(0);
    expect([keeperPid, childPid].map(isAlive)).toEqual([false, false]);
  });

  it('leaves nothing behind in many crashes and restarts', { timeout: 300_000 }, async () => {
    const cycles = repetitions(100);
    const keeper = await openSubject({ crashPolicy: quickRetry({ restartsMax: cycles + 5 }) });
    const crashAndRestart = async () => {
      const restarted = nextEvent(keeper, 'restart');
      const open = rejectionOf(keeper.call('hold'));
      killNow(keeper);
      await Promise.all([restarted, open]);
      return /VmLck:\s+(\d+) kB/.exec(text(await keeper.call('status')))?.[1];
    };
    // The first few lives fill caches and pools of the runtime.
    for (let n = 0; n < 5; n++) await crashAndRestart();
    const before = [descriptors(), children()];
    const heapBefore = heapByteLength();
    const locked = new Set<string | undefined>();
    for (let n = 0; n < cycles; n++) locked.add(await crashAndRestart());
    expect([descriptors(), children()]).toEqual(before);
    expect(locked.size).toBe(1);
    expect(heapByteLength() - heapBefore).toBeLessThan(1_048_576 + cycles * 8_192);
    expect(keeper.stats()).toMatchObject({ crashes: cycles + 5, openCalls: 0, waitingCalls: 0 });
    expect(keeper.stats().lastEndings).toHaveLength(Math.min(20, cycles + 5));
  });

  it('leaves nothing behind when it cannot be started', async () => {
    await openSubject({ execPath: '/nonexistent', crashPolicy: terminate() }).catch(() => {});
    const before = descriptors();
    for (let n = 0; n < repetitions(100); n++) {
      const opening = openSubject({ execPath: '/nonexistent', crashPolicy: terminate() });
      await rejectionOf(opening);
    }
    expect(descriptors()).toBe(before);
  });
});

describe('KS8 what a keeper has started', () => {
  const ends: Record<string, (keeper: Keeper) => unknown> = {
    'close()': (keeper) => keeper.close(),
    'kill()': (keeper) => keeper.kill(),
    'restart()': (keeper) => keeper.restart(),
    SIGKILL: (keeper) => {
      const crash = nextEvent(keeper, 'crash');
      killNow(keeper);
      return crash;
    },
    'process.exit()': (keeper) => rejectionOf(keeper.call('die', bytes('exit 7'))),
  };

  it.each(Object.keys(ends))(
    'ends with it, by %s, but for what took a group of its own',
    async (end) => {
      const keeper = await openSubject({ crashPolicy: terminate() });
      const child = Number(text(await keeper.call('leaveChild')));
      const stranger = Number(text(await keeper.call('leaveStranger')));
      onTestFinished(() => void process.kill(stranger, 'SIGKILL'));
      expect([child, stranger].map(isAlive)).toEqual([true, true]);
      await ends[end]?.(keeper);
      await untilGone(child);
      expect(isAlive(stranger)).toBe(true);
    },
  );
});

describe('close()', () => {
  it('waits for open calls, refuses new ones, and is one promise', async () => {
    const keeper = await openSubject();
    const calls = Array.from({ length: 100 }, (_, n) => keeper.call('echo', bytes(String(n))));
    const closing = keeper.close();
    expect(keeper.close()).toBe(closing);
    expect(await rejectionOf(keeper.call('echo'))).toMatchObject({ code: 'ERR_SECMEM_CLOSED' });
    await closing;
    expect((await Promise.all(calls)).map(text)).toEqual(calls.map((_, n) => String(n)));
    expect(keeper.stats()).toMatchObject({ state: 'closed', pid: 0, crashes: 0 });
    expect(keeper.stats().lastEndings).toMatchObject([
      { category: 'requested-exit', code: 0, signal: null, decision: 'closed' },
    ]);
  });

  it('S12 escalates to SIGTERM for a keeper that is busy, recorded as requested', async () => {
    const keeper = await openSubject({ closeMsMax: 50 });
    const open = rejectionOf(keeper.call('hold'));
    await keeper.call('spinSoon');
    await keeper.close();
    expect(await open).toMatchObject({ code: 'ERR_SECMEM_OUTCOME_UNKNOWN' });
    expect(keeper.stats().crashes).toBe(0);
    expect(keeper.stats().lastEndings).toMatchObject([
      { category: 'requested-exit', signal: 'SIGTERM', decision: 'closed' },
    ]);
  });

  it('S12 escalates to SIGKILL for a keeper that is stopped, recorded as requested', async () => {
    const keeper = await openSubject({ closeMsMax: 50, termMsMax: 50 });
    let crashes = 0;
    keeper.on('crash', () => crashes++);
    killNow(keeper, 'SIGSTOP');
    await keeper.close();
    expect(crashes).toBe(0);
    expect(keeper.stats().lastEndings).toMatchObject([
      { category: 'requested-exit', signal: 'SIGKILL', decision: 'closed' },
    ]);
  });

  it('ends a wait for a restart', async () => {
    const crashPolicy = quickRetry({ backoff: { baseMs: 600_000, capMs: 600_000 } });
    const keeper = await openSubject({ crashPolicy });
    killNow(keeper);
    await nextEvent(keeper, 'crash');
    await keeper.close();
    expect(keeper.stats().state).toBe('closed');
  });

  it('during a restart ends that, too', async () => {
    const keeper = await openSubject({ crashPolicy: quickRetry(), closeMsMax: 10_000 });
    killNow(keeper);
    await nextEvent(keeper, 'crash');
    while (keeper.stats().pid === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(keeper.stats().state).toBe('restarting');
    await keeper.close();
    expect(keeper.stats()).toMatchObject({ state: 'closed', pid: 0 });
  });

  it('still asks the policy about a crash while it waits for open calls', async () => {
    const keeper = await openSubject({ crashPolicy: quickRetry() });
    const open = rejectionOf(keeper.call('hold'));
    const crashed = nextEvent(keeper, 'crash');
    const closing = keeper.close();
    killNow(keeper);
    expect(await crashed).toMatchObject({ category: 'external-kill', decision: 'closed' });
    await closing;
    expect(await open).toMatchObject({ code: 'ERR_SECMEM_OUTCOME_UNKNOWN' });
    expect(keeper.stats().state).toBe('closed');
  });
});

describe('kill()', () => {
  it('ends the keeper at once, recorded as requested', async () => {
    const keeper = await openSubject();
    const open = rejectionOf(keeper.call('hold'));
    await keeper.kill();
    expect(await open).toMatchObject({ code: 'ERR_SECMEM_OUTCOME_UNKNOWN' });
    expect(keeper.stats()).toMatchObject({ state: 'closed', crashes: 0 });
  });
});
