import { type HardenLimits, harden as hardenRuntime } from '@securemem/core/contract';
import { describe, expect, it } from 'vitest';
import { type HardenCalls, LimitHardening, type ProcessLimit } from '../src/limit-hardening.js';

type Limits = { [Limit in ProcessLimit]?: [bigint, bigint] };

/** A process with these limits and no will of its own. */
function fakeCalls(limits: Limits): HardenCalls {
  let dumpable = true;
  return {
    limit(which, words) {
      words.set(limits[which] ?? [2n ** 64n - 1n, 2n ** 64n - 1n]);
      return undefined;
    },
    setLimit(which, words) {
      limits[which] = [...words] as [bigint, bigint];
      return undefined;
    },
    dumpable: () => dumpable,
    forbidDumps() {
      dumpable = false;
      return undefined;
    },
  };
}

/** A runtime whose debugger is closed already. */
const CLOSED = {
  process: {
    platform: 'linux',
    execArgv: [],
    env: {},
    eventNames: () => [],
    listeners: () => [{ name: 'of the program' }],
    on: () => {},
  },
  isMainThread: true,
  inspector: undefined,
};
const harden = (hardening: LimitHardening, limits: HardenLimits) =>
  hardenRuntime(hardening, CLOSED, limits);

describe('harden()', () => {
  it('without limits means no core files and not dumpable, nothing else', () => {
    const limits: Limits = {};
    const report = harden(new LimitHardening(fakeCalls(limits)), {});
    expect(report).toEqual({
      complete: true,
      steps: [
        { measure: 'not-dumpable', outcome: 'set' },
        { measure: 'core-limit', outcome: 'set', value: 0 },
        { measure: 'no-inspector', outcome: 'already' },
      ],
    });
    expect(limits).toEqual({ core: [0n, 0n] });
  });

  it('S5 keeps the soft processor limit below the hard one, so that SIGXCPU comes first', () => {
    const fresh: Limits = {};
    harden(new LimitHardening(fakeCalls(fresh)), { cpuSecondsMax: 10 });
    expect(fresh.cpu).toEqual([10n, 15n]);

    const bound: Limits = { cpu: [7n, 7n] };
    harden(new LimitHardening(fakeCalls(bound)), { cpuSecondsMax: 10 });
    expect(bound.cpu).toEqual([6n, 7n]);
  });

  it('never raises a limit that is stricter already', () => {
    const limits: Limits = {
      locked: [4096n, 8192n],
      core: [0n, 0n],
    };
    const report = harden(new LimitHardening(fakeCalls(limits)), { lockedByteLengthMax: 65_536 });
    expect(limits.locked).toEqual([4096n, 8192n]);
    expect(report.steps.at(1)).toEqual({ measure: 'core-limit', outcome: 'already', value: 0 });
    expect(report.steps.at(2)).toEqual({ measure: 'lock-limit', outcome: 'already', value: 4096 });
  });

  it('reports a step that was refused, and one that was reported done and is not, and goes on', () => {
    const refusing = {
      ...fakeCalls({}),
      setLimit: () => ({ syscall: 'setrlimit', errno: 1 }),
    };
    const report = harden(new LimitHardening(refusing), { lockedByteLengthMax: 0 });
    expect(report.complete).toBe(false);
    expect(report.steps.map((step) => step.outcome)).toEqual([
      'set',
      'failed',
      'failed',
      'already',
    ]);
    expect(report.steps.at(1)).toMatchObject({ syscall: 'setrlimit', errno: 1 });

    const lying = { ...fakeCalls({}), setLimit: () => undefined };
    expect(harden(new LimitHardening(lying), {}).steps.at(1)).toMatchObject({
      outcome: 'failed',
      reason: 'reported done, but is not',
    });
  });

  it('says of each step that the system has nothing of the kind', () => {
    const nothing = () => 'not supported' as const;
    const bare = { limit: nothing, setLimit: nothing, dumpable: nothing, forbidDumps: nothing };
    const report = harden(new LimitHardening(bare), {});
    const reason = 'this system has nothing of the kind';
    expect(report.steps.slice(0, 2)).toEqual([
      { measure: 'not-dumpable', outcome: 'failed', reason },
      { measure: 'core-limit', outcome: 'failed', reason },
    ]);
  });
});
