import { type HardenLimits, harden as hardenRuntime } from '@securemem/core/contract';
import { describe, expect, it } from 'vitest';
import { type HardenCalls, LinuxHardening } from '../src/linux-harden.js';

/** A process with these limits and no will of its own. */
function fakeCalls(limits: Record<number, [bigint, bigint]>): HardenCalls & { dumpable: number } {
  return {
    dumpable: 1,
    getrlimit(resource, words) {
      words.set(limits[resource] ?? [2n ** 64n - 1n, 2n ** 64n - 1n]);
      return 0;
    },
    setrlimit(resource, words) {
      limits[resource] = [...words] as [bigint, bigint];
      return 0;
    },
    prctl(option, value) {
      if (option === 3) return this.dumpable;
      this.dumpable = value;
      return 0;
    },
    errno: () => 1,
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
const harden = (hardening: LinuxHardening, limits: HardenLimits) =>
  hardenRuntime(hardening, CLOSED, limits);

const CPU = 0;
const CORE = 4;
const MEMLOCK = 8;

describe('harden()', () => {
  it('without limits means no core files and not dumpable, nothing else', () => {
    const limits: Record<number, [bigint, bigint]> = {};
    const report = harden(new LinuxHardening(fakeCalls(limits)), {});
    expect(report).toEqual({
      complete: true,
      steps: [
        { measure: 'not-dumpable', outcome: 'set' },
        { measure: 'core-limit', outcome: 'set', value: 0 },
        { measure: 'no-inspector', outcome: 'already' },
      ],
    });
    expect(limits).toEqual({ [CORE]: [0n, 0n] });
  });

  it('S5 keeps the soft processor limit below the hard one, so that SIGXCPU comes first', () => {
    const fresh: Record<number, [bigint, bigint]> = {};
    harden(new LinuxHardening(fakeCalls(fresh)), { cpuSecondsMax: 10 });
    expect(fresh[CPU]).toEqual([10n, 15n]);

    const bound: Record<number, [bigint, bigint]> = { [CPU]: [7n, 7n] };
    harden(new LinuxHardening(fakeCalls(bound)), { cpuSecondsMax: 10 });
    expect(bound[CPU]).toEqual([6n, 7n]);
  });

  it('never raises a limit that is stricter already', () => {
    const limits: Record<number, [bigint, bigint]> = {
      [MEMLOCK]: [4096n, 8192n],
      [CORE]: [0n, 0n],
    };
    const report = harden(new LinuxHardening(fakeCalls(limits)), { lockedByteLengthMax: 65_536 });
    expect(limits[MEMLOCK]).toEqual([4096n, 8192n]);
    expect(report.steps.at(1)).toEqual({ measure: 'core-limit', outcome: 'already', value: 0 });
    expect(report.steps.at(2)).toEqual({ measure: 'lock-limit', outcome: 'already', value: 4096 });
  });

  it('reports a step that was refused, and one that was reported done and is not, and goes on', () => {
    const refusing = { ...fakeCalls({}), setrlimit: () => -1 };
    const report = harden(new LinuxHardening(refusing), { lockedByteLengthMax: 0 });
    expect(report.complete).toBe(false);
    expect(report.steps.map((step) => step.outcome)).toEqual([
      'set',
      'failed',
      'failed',
      'already',
    ]);
    expect(report.steps.at(1)).toMatchObject({ syscall: 'setrlimit', errno: 1 });

    const lying = { ...fakeCalls({}), setrlimit: () => 0 };
    expect(harden(new LinuxHardening(lying), {}).steps.at(1)).toMatchObject({
      outcome: 'failed',
      reason: 'reported done, but is not',
    });
  });
});
