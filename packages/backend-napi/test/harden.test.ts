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
  });
});
