import { describe, expect, it } from 'vitest';
import { hardenProcess } from '../src/index.js';
import { runChild } from './children.js';

describe('hardenProcess', () => {
  it('sets what was asked for, as the kernel itself says, and reports it a second time as already set', (ctx) => {
    if (process.platform !== 'linux') ctx.skip('not proven: the limits are read from /proc');
    const { result } = runChild(`
      const wanted = { lockedByteLengthMax: 65536, cpuSecondsMax: 1000 };
      const first = hardenProcess(wanted);
      const second = hardenProcess(wanted);
      const limits = readFileSync('/proc/self/limits', 'latin1');
      const row = (name) => new RegExp(name + '\\\\s+(\\\\S+)\\\\s+(\\\\S+)').exec(limits).slice(1);
      say({ first, second, core: row('Max core file size'), cpu: row('Max cpu time'), memlock: row('Max locked memory') });
    `);
    expect(result).toMatchObject({
      first: {
        complete: true,
        steps: [
          { measure: 'not-dumpable', outcome: 'set' },
          { measure: 'core-limit', value: 0 },
          { measure: 'lock-limit', outcome: 'set', value: 65_536 },
          { measure: 'cpu-limit', outcome: 'set', value: 1000 },
          { measure: 'no-inspector', outcome: 'set' },
        ],
      },
      core: ['0', '0'],
      cpu: ['1000', '1005'],
      memlock: ['65536', '65536'],
    });
    const { second } = result as { second: { steps: { outcome: string }[] } };
    expect(second.steps.map(({ outcome }) => outcome)).toEqual(Array(5).fill('already'));
  });

  it('keeps every region usable, and writes no core file when the process aborts', (ctx) => {
    if (process.platform !== 'linux') ctx.skip('not proven: core files are looked at on Linux');
    const ended = runChild(
      `
      hardenProcess();
      const backend = napiBackend();
      backend.wipe(backend.map(4096), 0, 4096);
      const { facts } = { facts: backend.inspect([backend.map(4096)]) };
      say(facts[0].lockedByteLength);
      process.abort();
    `,
      { wrapper: ['prlimit', '--core=unlimited'] },
    );
    expect(ended.signal).toBe('SIGABRT');
    expect(ended.result).toBe(4096);
  });

  it('refuses unknown limits and bad values before anything changes', () => {
    expect(() => hardenProcess({ coreMax: 0 } as never)).toThrow(TypeError);
    expect(() => hardenProcess({ cpuSecondsMax: 0 })).toThrow(RangeError);
    expect(() => hardenProcess({ lockedByteLengthMax: -1 })).toThrow(RangeError);
    expect(() => hardenProcess({ lockedByteLengthMax: Number.NaN })).toThrow(RangeError);
    expect(() => hardenProcess({ openFilesMax: 0 })).toThrow(RangeError);
    expect(() => hardenProcess({ noNewPrivileges: 1 } as never)).toThrow(TypeError);
  });

  it('KS11 lowers data and open files, and forbids privileges for good, as the kernel itself says', (ctx) => {
    if (process.platform !== 'linux') ctx.skip('not proven: the limits are read from /proc');
    const { result } = runChild(`
      const wanted = { dataByteLengthMax: 2 ** 30, openFilesMax: 64, noNewPrivileges: true };
      const report = hardenProcess(wanted);
      const limits = readFileSync('/proc/self/limits', 'latin1');
      const row = (name) => new RegExp(name + '\\\\s+(\\\\S+)\\\\s+(\\\\S+)').exec(limits).slice(1);
      const about = readFileSync('/proc/self/status', 'latin1');
      say({ report, again: hardenProcess(wanted).complete, data: row('Max data size'), files: row('Max open files'),
        privileges: /NoNewPrivs:\\t(.)/.exec(about)[1] });
    `);
    expect(result).toMatchObject({
      report: {
        complete: true,
        steps: [
          { measure: 'not-dumpable' },
          { measure: 'core-limit' },
          { measure: 'data-limit', outcome: 'set', value: 2 ** 30 },
          { measure: 'files-limit', outcome: 'set', value: 64 },
          { measure: 'no-new-privileges', outcome: 'set' },
          { measure: 'no-inspector' },
        ],
      },
      again: true,
      data: [String(2 ** 30), String(2 ** 30)],
      files: ['64', '64'],
      privileges: '1',
    });
  });
});
