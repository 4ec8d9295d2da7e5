import { describe, expect, it } from 'vitest';
import { hardenProcess } from '../src/index.js';
import { runChild } from './children.js';

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
      again: ['already', 'already', 'already'],
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
