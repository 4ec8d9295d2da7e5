import { describe, expect, it } from 'vitest';
import {
  byCategory,
  CRASH_CATEGORIES,
  type Crash,
  type CrashHistory,
  type CrashPolicy,
  decideCrash,
  HaltLatch,
  halt,
  haltsWithin,
  NO_CRASHES,
  requireCrashPolicy,
  retry,
  terminate,
  withRestart,
} from '../src/crash/crash-policy.js';

const ended: Crash = {
  code: null,
  signal: 'SIGKILL',
  activity: 'busy',
  observation: 'ended',
  stderrTail: '',
  ageMs: 5_000,
  limits: {},
};
const segfault: Crash = { ...ended, signal: 'SIGSEGV' };
const outOfTime: Crash = { ...ended, signal: 'SIGXCPU' };
const operator: Crash = { ...ended, signal: 'SIGTERM' };
const hung: Crash = { ...ended, observation: 'call-timeout' };
const stillborn: Crash = { ...ended, activity: 'starting' };

/** Lets a process crash again and again, `lifeMs` after each start, on a clock that only this loop moves. */
function crashRepeatedly(policy: CrashPolicy, crash: Crash, lifeMs: number, random = 0.5) {
  let history: CrashHistory = NO_CRASHES;
  let nowMs = 0;
  const delaysMs: number[] = [];
  for (let spawns = 1; spawns <= 10_000; spawns++) {
    nowMs += lifeMs;
    const decision = decideCrash(policy, crash, history, nowMs, random);
    if (decision.action !== 'restart') return { spawns, delaysMs, decision };
    delaysMs.push(decision.delayMs);
    nowMs += decision.delayMs;
    history = withRestart(history, nowMs);
  }
  return { spawns: Number.POSITIVE_INFINITY, delaysMs, decision: undefined };
}

describe('decideCrash()', () => {
  it('S6 halts under halt() and says which policy object halts', () => {
    const policy = halt();
    const decision = decideCrash(policy, ended, NO_CRASHES, 0, 0);
    expect(decision).toMatchObject({ action: 'halt', category: 'external-kill', policy });
    expect(policy.exitHost).toBe(false);
    expect(halt({ exitHost: true }).exitHost).toBe(true);
  });

  it('S6 ends only this keeper under terminate()', () => {
    expect(decideCrash(terminate(), ended, NO_CRASHES, 0, 0).action).toBe('terminate');
  });

  it('S6 chooses by category, and the default for the rest', () => {
    const stop = halt();
    const policy = byCategory({ resource: terminate(), default: stop });
    expect(decideCrash(policy, outOfTime, NO_CRASHES, 0, 0).action).toBe('terminate');
    expect(decideCrash(policy, segfault, NO_CRASHES, 0, 0)).toMatchObject({ policy: stop });
  });

  it('S6 halts() under a nested choice too, and haltsWithin() finds each halt once', () => {
    const stop = halt();
    const inner = byCategory({ hang: retry({ then: stop }), default: stop });
    const policy = byCategory({ spawn: terminate(), default: inner });
    expect(haltsWithin(policy)).toEqual([stop]);
    expect(decideCrash(policy, ended, NO_CRASHES, 0, 0).action).toBe('halt');
    expect(decideCrash(policy, hung, NO_CRASHES, 0, 0).action).toBe('restart');
  });

  it('is pure: the same facts give the same decision, and nothing given is changed', () => {
    const history = withRestart(NO_CRASHES, 10);
    const before = JSON.stringify(history);
    const policy = retry({ restartsMax: 5 });
    const first = decideCrash(policy, ended, history, 20, 0.25);
    expect(decideCrash(policy, ended, history, 20, 0.25)).toEqual(first);
    expect(JSON.stringify(history)).toBe(before);
    const stop = halt();
    decideCrash(stop, ended, NO_CRASHES, 0, 0);
    expect(stop.latch.cause).toBeUndefined();
  });
});

describe('retry()', () => {
  it('S7 grants one restart by default: exactly two starts, then terminate', () => {
    const run = crashRepeatedly(retry(), ended, 1_000);
    expect(run.spawns).toBe(2);
    expect(run.decision?.action).toBe('terminate');
  });

  it.each([1, 2, 5, 20])('S7 starts exactly max + 1 times with restartsMax %i', (restartsMax) => {
    expect(crashRepeatedly(retry({ restartsMax, windowMs: 86_400_000 }), ended, 1).spawns).toBe(
      restartsMax + 1,
    );
  });

  it('S7 waits 2 s at most before the first restart, doubles, and stops at the cap', () => {
    const policy = retry({ restartsMax: 8 });
    const longest = crashRepeatedly(policy, ended, 0, 0.999999).delaysMs;
    expect(longest).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    const shortest = crashRepeatedly(policy, ended, 0, 0).delaysMs;
    expect(shortest).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  it('S7 never restarts at once, whatever the random number and however short the backoff', () => {
    const policy = retry({ restartsMax: 3, backoff: { baseMs: 1, factor: 1, capMs: 1 } });
    expect(crashRepeatedly(policy, ended, 0, 0).delaysMs).toEqual([1, 1, 1]);
  });

  it('S7 does not forget a restart after a life shorter than the window', () => {
    const windowMs = 10_000;
    const policy = retry({ restartsMax: 2, windowMs, backoff: { baseMs: 1, capMs: 1 } });
    expect(crashRepeatedly(policy, ended, windowMs / 2 - 1).spawns).toBe(3);
  });

  it('S7 forgets a restart exactly one window later, and one millisecond before it does not', () => {
    const policy = retry({ restartsMax: 1, windowMs: 10_000 });
    const history = withRestart(NO_CRASHES, 5_000);
    expect(decideCrash(policy, ended, history, 14_999, 0).action).toBe('terminate');
    expect(decideCrash(policy, ended, history, 15_000, 0)).toMatchObject({ attempt: 1 });
  });

  it('S7 has a limit for slow crashes too, so that no restart becomes an endless oracle', () => {
    const policy = retry({ restartsMax: 1, windowMs: 10, restartsTotalMax: 40 });
    const run = crashRepeatedly(policy, ended, 1_000);
    expect(run.spawns).toBe(41);
    expect(crashRepeatedly(retry({ windowMs: 10 }), ended, 1_000).spawns).toBe(1_001);
  });

  it('S7 counts failed starts and hangs against the same limit', () => {
    const policy = retry({ restartsMax: 2 });
    let history = withRestart(NO_CRASHES, 0);
    expect(decideCrash(policy, stillborn, history, 1, 0).action).toBe('restart');
    history = withRestart(history, 1);
    expect(decideCrash(policy, hung, history, 2, 0).action).toBe('terminate');
  });

  it('never retries an engine fault unless asked', () => {
    const decision = decideCrash(retry(), segfault, NO_CRASHES, 0, 0);
    expect(decision).toMatchObject({ action: 'terminate', category: 'engine-fault' });
    expect(decision.reason).toContain('engine-fault is not retried');
    const asked = retry({ categories: ['engine-fault'] });
    expect(decideCrash(asked, segfault, NO_CRASHES, 0, 0).action).toBe('restart');
    expect(decideCrash(asked, ended, NO_CRASHES, 0, 0).action).toBe('terminate');
  });

  it('does not restart against an operator’s shutdown unless asked', () => {
    const decision = decideCrash(retry(), operator, NO_CRASHES, 0, 0);
    expect(decision.action).toBe('terminate');
    expect(decision.reason).toContain('a shutdown is not retried');
    const asked = retry({ retryShutdowns: true });
    expect(decideCrash(asked, operator, NO_CRASHES, 0, 0).action).toBe('restart');
  });

  it('hands over to `then` when the restarts are used up', () => {
    const stop = halt({ exitHost: true });
    const run = crashRepeatedly(retry({ then: stop }), ended, 1);
    expect(run.decision).toMatchObject({ action: 'halt', policy: stop });
  });

  it('keeps a bounded history at the maximum and one past it', () => {
    let history = NO_CRASHES;
    for (let n = 0; n < 10_001; n++) history = withRestart(history, n);
    expect(history.restartTimesMs).toHaveLength(10_000);
    expect(history.restarts).toBe(10_001);
  });
});

describe('the policy functions', () => {
  it('refuse unknown options and values outside their ranges', () => {
    const as = <T>(value: unknown) => value as T;
    expect(() => halt(as({ exit: true }))).toThrow(TypeError);
    expect(() => halt(as({ exitHost: 1 }))).toThrow(TypeError);
    expect(() => retry(as({ max: 1 }))).toThrow(TypeError);
    for (const restartsMax of [0, -1, 1.5, Number.NaN, 10_001, as<number>('1')]) {
      expect(() => retry({ restartsMax })).toThrow(RangeError);
    }
    expect(() => retry({ restartsMax: 10_000 })).not.toThrow();
    expect(() => retry({ restartsMax: 5, restartsTotalMax: 4 })).toThrow(RangeError);
    expect(() => retry({ windowMs: 0 })).toThrow(RangeError);
    expect(() => retry({ backoff: { baseMs: 0 } })).toThrow(RangeError);
    expect(() => retry({ backoff: { factor: 0.5 } })).toThrow(RangeError);
    expect(() => retry({ backoff: { factor: 10.1 } })).toThrow(RangeError);
    expect(() => retry({ backoff: { baseMs: 10, capMs: 9 } })).toThrow(RangeError);
    expect(() => retry({ backoff: as({ base: 1 }) })).toThrow(TypeError);
    expect(() => retry({ categories: as(['nonsense']) })).toThrow(RangeError);
    expect(() => retry({ retryShutdowns: as('yes') })).toThrow(TypeError);
    expect(() => retry({ then: as(retry()) })).toThrow(TypeError);
    expect(() => byCategory(as({}))).toThrow(TypeError);
    expect(() => byCategory(as({ default: halt(), nonsense: halt() }))).toThrow(TypeError);
    expect(() => byCategory({ default: halt(), hang: as({ kind: 'x' }) })).toThrow(TypeError);
    expect(() => requireCrashPolicy(undefined)).toThrow(TypeError);
  });

  it('accept every category in byCategory()', () => {
    const all = Object.fromEntries(CRASH_CATEGORIES.map((name) => [name, terminate()]));
    expect(() => byCategory({ ...all, default: halt() })).not.toThrow();
  });
});

describe('HaltLatch', () => {
  it('S6 keeps the first cause and tells every listener exactly once', () => {
    const { latch } = halt();
    const heard: string[] = [];
    latch.onTrip((cause) => heard.push(`a ${cause.message}`));
    latch.onTrip((cause) => heard.push(`b ${cause.message}`));
    const leave = latch.onTrip(() => heard.push('left'));
    leave();
    const first = new Error('first');
    expect(latch.trip(first)).toBe(true);
    expect(latch.trip(new Error('second'))).toBe(false);
    expect(latch.cause).toBe(first);
    expect(heard).toEqual(['a first', 'b first']);
  });

  it('S6 belongs to one policy object and is shared by all who hold it', () => {
    const shared = halt();
    const other = halt();
    shared.latch.trip(new Error('cause'));
    expect(haltsWithin(retry({ then: shared }))[0]?.latch.cause?.message).toBe('cause');
    expect(other.latch.cause).toBeUndefined();
    expect(new HaltLatch().cause).toBeUndefined();
  });
});
