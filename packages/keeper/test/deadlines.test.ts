import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { terminate } from '@securemem/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { afterHeard, Deadline } from '../src/supervisor/deadline.js';
import { HeardClock } from '../src/supervisor/heard-clock.js';
import { killNow, nextEvent, openSubject, quickRetry, rejectionOf } from './open-subject.js';

const AWAY = new URL('./hosts/away.mjs', import.meta.url).pathname;

async function runAway(phase: string): Promise<string> {
  const host = spawn(process.execPath, [AWAY, phase], { stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  host.stdout.on('data', (piece) => {
    stdout += piece;
  });
  await once(host, 'close');
  return stdout.trim();
}

describe('P04 KS2 a healthy keeper outlives a host that is away', () => {
  it.each(['immediate', 'timer', 'io', 'tick', 'microtask', 'stop'])('in %s', async (phase) => {
    expect(await runAway(phase)).toBe('answered 5 6 []');
  });

  it('while it starts', async () => {
    expect(await runAway('start')).toBe('opened []');
  });

  it('while it closes, and leaves by itself', async () => {
    expect(await runAway('close')).toBe('closed 0 null []');
  });
});

describe('P04 a deadline', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** The clock goes on while no turn of the loop comes, as it does for a host that is blocked or stopped. */
  const beAway = (ms: number): void => {
    vi.setSystemTime(Date.now() + ms);
    const { now } = performance;
    const jumpMs = ms;
    vi.spyOn(performance, 'now').mockImplementation(() => now.call(performance) + jumpMs);
  };
  afterEach(() => void vi.restoreAllMocks());

  const missedAfter = (): { missed: () => boolean } => {
    let missed = false;
    afterHeard(new HeardClock(), 1_000, () => {
      missed = true;
    });
    return { missed: () => missed };
  };

  it('comes after its time when the host is there', () => {
    const { missed } = missedAfter();
    vi.advanceTimersByTime(1_000);
    expect(missed()).toBe(false);
    vi.advanceTimersByTime(200);
    expect(missed()).toBe(true);
  });

  it('does not count an hour in which the host was away', () => {
    const { missed } = missedAfter();
    vi.advanceTimersByTime(500);
    beAway(3_600_000);
    vi.advanceTimersByTime(400);
    expect(missed()).toBe(false);
    vi.advanceTimersByTime(500);
    expect(missed()).toBe(true);
  });

  it('does not come early when the clock goes backwards', () => {
    const { missed } = missedAfter();
    vi.advanceTimersByTime(500);
    beAway(-3_600_000);
    vi.advanceTimersByTime(500);
    expect(missed()).toBe(false);
    vi.advanceTimersByTime(500);
    expect(missed()).toBe(true);
  });

  it('comes for a host that is busy in every turn, since each turn counts', () => {
    const clock = new HeardClock();
    let missed = false;
    afterHeard(clock, 1_000, () => {
      missed = true;
    });
    const { now } = performance;
    let busyMs = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now.call(performance) + busyMs);
    let turns = 0;
    for (; !missed && turns < 1_000; turns++) {
      busyMs += 10_000;
      vi.advanceTimersByTime(25);
    }
    expect(turns).toBeLessThan(30);
    expect(turns).toBeGreaterThan(15);
  });

  it('is not missed by a call that was answered while the judge was still looking', () => {
    const clock = new HeardClock();
    let earliestMs = 100;
    const onMissed = vi.fn();
    const deadline = new Deadline(clock, () => earliestMs, onMissed);
    deadline.watch(earliestMs);
    vi.advanceTimersByTime(150);
    earliestMs = Number.POSITIVE_INFINITY;
    vi.advanceTimersByTime(10_000);
    expect(onMissed).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('that is nearer than the one that is watched comes in its own time', () => {
    const clock = new HeardClock();
    const atMs = [10_000];
    const onMissed = vi.fn();
    const deadline = new Deadline(clock, () => Math.min(...atMs), onMissed);
    deadline.watch(10_000);
    vi.advanceTimersByTime(1_000);
    atMs.push(2_000);
    deadline.watch(2_000);
    vi.advanceTimersByTime(1_500);
    expect(onMissed).toHaveBeenCalledTimes(1);
  });
});

describe('P04 a keeper that hangs', () => {
  it('is still killed, and one without an open call never', async () => {
    const keeper = await openSubject({ crashPolicy: terminate(), callMsMax: 300 });
    for (let n = 0; n < 20; n++) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(keeper.stats()).toMatchObject({ state: 'ready', crashes: 0 });
    const crashed = nextEvent(keeper, 'crash');
    expect(await rejectionOf(keeper.call('hold'))).toMatchObject({
      code: 'ERR_SECMEM_OUTCOME_UNKNOWN',
    });
    expect(await crashed).toMatchObject({ category: 'hang', signal: 'SIGKILL' });
  });
});

describe('callMsMax of one call', () => {
  it('is its own: a shorter one is a hang, and a longer one outlives that of the keeper', async () => {
    const keeper = await openSubject({ crashPolicy: terminate(), callMsMax: 200 });
    const patient = rejectionOf(keeper.call('hold', undefined, { callMsMax: 60_000 }));
    for (let n = 0; n < 10; n++) await new Promise((resolve) => setTimeout(resolve, 60));
    expect(keeper.stats()).toMatchObject({ state: 'ready', crashes: 0, openCalls: 1 });
    const crashed = nextEvent(keeper, 'crash');
    const short = rejectionOf(keeper.call('hold', undefined, { callMsMax: 100 }));
    expect(await crashed).toMatchObject({ category: 'hang' });
    for (const error of await Promise.all([short, patient])) {
      expect(error).toMatchObject({ code: 'ERR_SECMEM_OUTCOME_UNKNOWN' });
    }
  });

  it.each([0, 1.5, 2 ** 31, '1'])(
    'is refused where it is no number of milliseconds (%s)',
    async (value) => {
      const keeper = await openSubject();
      const callMsMax = value as number;
      expect(await rejectionOf(keeper.call('echo', undefined, { callMsMax }))).toBeInstanceOf(
        RangeError,
      );
    },
  );
});

describe('KS12 a call that was sent and waits to be repeated', () => {
  const slow = quickRetry({ restartsMax: 5, backoff: { baseMs: 60_000, capMs: 60_000 } });

  it('rejects with the crash when it has waited too long: it may have been carried out', async () => {
    const keeper = await openSubject({ crashPolicy: slow, callMsMax: 1_000 });
    const repeated = rejectionOf(keeper.call('hold', undefined, { idempotent: true }));
    const crashed = nextEvent(keeper, 'crash');
    killNow(keeper);
    const report = await crashed;
    const never = rejectionOf(keeper.call('echo'));
    const error = await repeated;
    expect(error).toMatchObject({
      code: 'ERR_SECMEM_KEEPER_CRASHED',
      details: { crash: report },
      cause: { code: 'ERR_SECMEM_KEEPER_CRASHED' },
    });
    expect(error.message).toContain('may have been carried out');
    expect(await never).toMatchObject({ code: 'ERR_SECMEM_WAIT_TIMEOUT' });
  });

  it('rejects with the crash when the keeper is closed meanwhile', async () => {
    const keeper = await openSubject({ crashPolicy: slow });
    const repeated = rejectionOf(keeper.call('hold', undefined, { idempotent: true }));
    const crashed = nextEvent(keeper, 'crash');
    killNow(keeper);
    await crashed;
    const never = rejectionOf(keeper.call('echo'));
    await keeper.close();
    expect(await repeated).toMatchObject({ code: 'ERR_SECMEM_KEEPER_CRASHED' });
    expect(await never).toMatchObject({ code: 'ERR_SECMEM_CLOSED' });
  });
});
