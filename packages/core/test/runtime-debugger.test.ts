import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { closeDebugger, type Runtime } from '../src/contract/runtime-debugger.js';

/** A runtime as plain data: what listens, what was asked for, and a debugger that is open or not. */
class FakeRuntime {
  isMainThread = true;
  readonly on: Record<string, (() => void)[]> = {};
  readonly process = {
    platform: 'linux',
    execArgv: [] as string[],
    env: {} as Record<string, string | undefined>,
    report: {} as object | undefined,
    eventNames: () => Object.keys(this.on),
    listeners: (event: string) => this.on[event] ?? [],
    on: (event: string, listener: () => void) => {
      this.on[event] = [...(this.on[event] ?? []), listener];
    },
  };
  address: string | undefined;
  inspector: Runtime['inspector'] = {
    url: () => this.address,
    close: () => {
      this.address = undefined;
    },
  };
}

describe('closeDebugger()', () => {
  let runtime: FakeRuntime;
  beforeEach(() => {
    runtime = new FakeRuntime();
    vi.useFakeTimers();
  });
  afterEach(() => void vi.useRealTimers());

  it('SEC1 takes SIGUSR1 once, and keeps it though another listener comes and goes', () => {
    expect(closeDebugger(runtime)).toEqual({ measure: 'no-inspector', outcome: 'set' });
    expect(closeDebugger(runtime)).toEqual({ measure: 'no-inspector', outcome: 'already' });
    expect(runtime.on['SIGUSR1']).toHaveLength(1);

    const other = new FakeRuntime();
    other.on['SIGUSR1'] = [() => {}];
    expect(closeDebugger(other)).toEqual({ measure: 'no-inspector', outcome: 'already' });
    expect(other.on['SIGUSR1']).toHaveLength(2);
  });

  it.each([0, 50, 4_999])(
    'SEC1 closes a debugger that a signal before it opens %d ms later',
    (ms) => {
      closeDebugger(runtime);
      vi.advanceTimersByTime(ms);
      runtime.address = 'ws://late';
      vi.runAllTimers();
      expect(runtime.address).toBe(undefined);
    },
  );

  it('SEC1 leaves alone what was open before, and says so', () => {
    runtime.address = 'ws://wanted';
    expect(closeDebugger(runtime)).toMatchObject({ outcome: 'failed' });
    vi.runAllTimers();
    expect(runtime.address).toBe('ws://wanted');
  });

  it('SEC1 changes nothing on a worker thread, and fails', () => {
    runtime.isMainThread = false;
    expect(closeDebugger(runtime)).toMatchObject({ outcome: 'failed' });
    expect(runtime.on).toEqual({});
  });

  it('SEC1 is in force where the runtime has no debugger', () => {
    runtime.inspector = undefined;
    expect(closeDebugger(runtime)).toMatchObject({ outcome: 'set' });
  });

  it('SEC1 on Windows asks for --disable-sigusr1, since no listener stands in the way there', () => {
    runtime.process.platform = 'win32';
    expect(closeDebugger(runtime).reason).toContain('--disable-sigusr1');
    runtime.process.env['NODE_OPTIONS'] = '--disable-sigusr1';
    expect(closeDebugger(runtime).outcome).toBe('already');
  });

  it('SEC1 names every option that lets somebody in, and a report without the environment is none', () => {
    runtime.process.execArgv = ['--heapsnapshot_signal=SIGQUIT'];
    runtime.process.env['NODE_OPTIONS'] = '--no-warnings "--heapsnapshot-near-heap-limit=3"';
    const report = {
      reportOnSignal: true,
      reportOnFatalError: true,
      reportOnUncaughtException: true,
    };
    runtime.process.report = report;
    expect(closeDebugger(runtime).reason?.match(/--[a-z0-9-]+/g)).toEqual([
      '--heapsnapshot-signal',
      '--heapsnapshot-near-heap-limit',
      '--report-on-signal',
      '--report-on-fatalerror',
      '--report-uncaught-exception',
    ]);
    runtime.process.execArgv = [];
    runtime.process.env = {};
    runtime.process.report = { ...report, excludeEnv: true };
    expect(closeDebugger(runtime).outcome).toBe('already');
    runtime.process.report = undefined;
    runtime.process.on('SIGUSR2', function doWriteHeapSnapshot() {});
    expect(closeDebugger(runtime).reason).toContain('--heapsnapshot-signal');
  });
});
