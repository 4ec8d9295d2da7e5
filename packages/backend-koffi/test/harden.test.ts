import { describe, expect, it } from 'vitest';
import { harden, hardenProcess } from '../src/harden.js';
import { type HardenCalls, LinuxHardening } from '../src/linux-harden.js';
import { runChild } from './children.js';

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
    expect(report.steps.map((step) => step.outcome)).toEqual(['set', 'failed', 'failed']);
    expect(report.steps.at(1)).toMatchObject({ syscall: 'setrlimit', errno: 1 });

    const lying = { ...fakeCalls({}), setrlimit: () => 0 };
    expect(harden(new LinuxHardening(lying), {}).steps.at(1)).toMatchObject({
      outcome: 'failed',
      reason: 'reported done, but is not',
    });
  });
});

describe('hardenProcess()', () => {
  it('refuses unknown limits and bad values before anything changes', () => {
    const call = hardenProcess as (limits: unknown) => unknown;
    expect(() => call({ coreMax: 0 })).toThrow(TypeError);
    expect(() => call(null)).toThrow(TypeError);
    expect(() => call({ cpuSecondsMax: 0 })).toThrow(RangeError);
    expect(() => call({ lockedByteLengthMax: -1 })).toThrow(RangeError);
    expect(() => call({ coreByteLengthMax: Number.NaN })).toThrow(RangeError);
  });

  it('what it reports is what the kernel says', () => {
    const child = runChild(`
      const report = hardenProcess({ lockedByteLengthMax: 65536, cpuSecondsMax: 1000 });
      const limits = readFileSync('/proc/self/limits', 'latin1');
      const pair = (name) => new RegExp('Max ' + name + '\\\\s+(\\\\S+)\\\\s+(\\\\S+)').exec(limits).slice(1);
      const prctl = koffi().load(null).func('prctl', 'int', ['int', 'unsigned long', 'unsigned long', 'unsigned long', 'unsigned long']);
      say({ report, core: pair('core file size'), locked: pair('locked memory'), cpu: pair('cpu time'),
        dumpable: prctl(3, 0, 0, 0, 0), again: hardenProcess().steps.map((step) => step.outcome) });
    `);
    expect(child.result).toMatchObject({
      report: { complete: true },
      core: ['0', '0'],
      locked: ['65536', '65536'],
      cpu: ['1000', '1005'],
      dumpable: 0,
      again: ['already', 'already'],
    });
  });

  it('S5 a spent processor limit ends the process by SIGXCPU, not by SIGKILL', () => {
    const child = runChild('hardenProcess({ cpuSecondsMax: 1 }); for (;;);');
    expect(child.signal).toBe('SIGXCPU');
  });

  it('receipts still work afterwards: the kernel is asked about locks and regions', () => {
    const child = runChild(`
      hardenProcess();
      const backend = koffiBackend();
      const region = backend.map(4096);
      say({ locked: backend.lockedByteLength(), facts: backend.inspect([region])[0] });
    `);
    expect(child.result).toMatchObject({ locked: 4096, facts: { lockedByteLength: 4096 } });
  });
});
