import { describe, expect, it } from 'vitest';
import { type Crash, classifyCrash } from '../src/crash/crash-policy.js';

const busy: Crash = {
  code: null,
  signal: null,
  activity: 'busy',
  observation: 'ended',
  stderrTail: '',
  ageMs: 5_000,
  limits: {},
};

const heapReport =
  '<--- Last few GCs --->\n\nFATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n';
const uncaughtReport = 'file:///m.mjs:1\nthrow new Error("x")\n\nError: x\n\nNode.js v20.20.2\n';

describe('classifyCrash()', () => {
  const table: [string, Partial<Crash>, string][] = [
    ['exit code 0 in the middle of a call', { code: 0 }, 'requested-exit'],
    ['exit code 1', { code: 1 }, 'requested-exit'],
    ['exit code 7', { code: 7 }, 'requested-exit'],
    ['exit code 1 after an uncaught exception', { code: 1, stderrTail: uncaughtReport }, 'unknown'],
    [
      'exit code 1 after a failed allocation',
      {
        code: 1,
        stderrTail: `RangeError: Array buffer allocation failed\n${uncaughtReport}`,
      },
      'resource',
    ],
    ['exit code 134 from a wrapper', { code: 134 }, 'engine-fault'],
    ['exit code 137 from a wrapper', { code: 137 }, 'external-kill'],
    ['exit code 152 from a wrapper', { code: 152 }, 'resource'],
    ['an access violation on Windows', { code: 0xc0000005 }, 'engine-fault'],
    ['SIGKILL', { signal: 'SIGKILL' }, 'external-kill'],
    ['SIGTERM', { signal: 'SIGTERM' }, 'external-kill'],
    ['SIGINT', { signal: 'SIGINT' }, 'external-kill'],
    ['SIGUSR2', { signal: 'SIGUSR2' }, 'external-kill'],
    ['SIGSEGV', { signal: 'SIGSEGV' }, 'engine-fault'],
    ['SIGBUS', { signal: 'SIGBUS' }, 'engine-fault'],
    ['SIGABRT without a report', { signal: 'SIGABRT' }, 'engine-fault'],
    ['SIGABRT with a heap report', { signal: 'SIGABRT', stderrTail: heapReport }, 'resource'],
    ['SIGTRAP with a heap report', { signal: 'SIGTRAP', stderrTail: heapReport }, 'resource'],
    ['SIGKILL with a heap report', { signal: 'SIGKILL', stderrTail: heapReport }, 'external-kill'],
    ['SIGXCPU', { signal: 'SIGXCPU' }, 'resource'],
    ['garbage', { signal: 'SIGKILL', observation: 'protocol-error' }, 'protocol'],
    ['a call that took too long', { signal: 'SIGKILL', observation: 'call-timeout' }, 'hang'],
    ['the memory killer', { signal: 'SIGKILL', observation: 'memory-killed' }, 'resource'],
    ['our own SIGKILL', { signal: 'SIGKILL', observation: 'requested' }, 'requested-exit'],
    ['our own SIGTERM', { signal: 'SIGTERM', observation: 'requested' }, 'requested-exit'],
    ['a program that does not exist', { observation: 'spawn-failed' }, 'spawn'],
    ['a death while starting', { signal: 'SIGSEGV', activity: 'starting' }, 'spawn'],
    ['an exit while starting', { code: 0, activity: 'starting' }, 'spawn'],
    [
      'a start that takes too long',
      {
        signal: 'SIGKILL',
        activity: 'starting',
        observation: 'call-timeout',
      },
      'spawn',
    ],
    [
      'garbage while starting',
      {
        signal: 'SIGKILL',
        activity: 'starting',
        observation: 'protocol-error',
      },
      'spawn',
    ],
    [
      'a close while starting',
      {
        signal: 'SIGTERM',
        activity: 'starting',
        observation: 'requested',
      },
      'requested-exit',
    ],
    ['neither code nor signal', {}, 'unknown'],
  ];

  it.each(table)('S5 takes %s for what it is', (_name, facts, category) => {
    const answer = classifyCrash({ ...busy, ...facts });
    expect(answer.category).toBe(category);
    expect(answer.reason).not.toBe('');
  });

  it.each(['idle', 'busy', 'callback', 'closing'] as const)(
    'S5 gives the same category whatever the process was doing (%s)',
    (activity) => {
      for (const [, facts, category] of table) {
        if (facts.activity !== undefined) continue;
        expect(classifyCrash({ ...busy, ...facts, activity }).category).toBe(category);
      }
    },
  );

  it('tells an operator’s shutdown from a kill', () => {
    expect(classifyCrash({ ...busy, signal: 'SIGTERM' }).shutdown).toBe(true);
    expect(classifyCrash({ ...busy, signal: 'SIGINT' }).shutdown).toBe(true);
    expect(classifyCrash({ ...busy, signal: 'SIGKILL' }).shutdown).toBe(false);
    expect(classifyCrash({ ...busy, code: 0 }).shutdown).toBe(false);
  });

  it('names the limit of processor time as a possible killer only where it can have been reached', () => {
    const limits = { cpuSecondsMax: 2 };
    const killed: Crash = { ...busy, signal: 'SIGKILL', limits };
    expect(classifyCrash({ ...killed, ageMs: 2_000 }).reason).toContain('processor time');
    expect(classifyCrash({ ...killed, ageMs: 1_999 }).reason).not.toContain('processor time');
  });
});
