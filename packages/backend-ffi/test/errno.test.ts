import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repetitions } from '@securemem/proof';
import { afterAll, describe, expect, it } from 'vitest';
import { runChild } from './node-26.js';

const profiles = mkdtempSync(join(tmpdir(), 'errno-'));

afterAll(() => rmSync(profiles, { recursive: true }));

/** Binds the tables as the backend does, and has calls that fail with a number each. */
const TABLES = `
  const { nodeFfi } = await source('backend-ffi/src/node-ffi.ts');
  const { bindLinuxCalls } = await source('over-ffi/src/linux-calls.ts');
  const ffi = nodeFfi.load();
  const calls = bindLinuxCalls(ffi);
  const failures = [
    [12, () => calls.mlock(4096n, 4096)],
    [22, () => calls.madvise(4096n, 4096, 12345)],
    [9, () => calls.close(12345)],
    [22, () => calls.mmap(null, 0, 3, 0x22, -1, 0)],
    [38, () => calls.syscall(12345, 0)],
    [12, () => calls.mprotect(4096n, 4096, 3)],
  ];
`;

describe('errno on Node 26', () => {
  it('is that of the call, whatever the engine and the handlers of signals do meanwhile', {
    timeout: 1_800_000,
  }, (context) => {
    const rounds = repetitions(200_000);
    const child = runChild(
      context,
      `${TABLES}
      const { Worker } = await import('node:worker_threads');
      // A thread that sends signals without a pause. Its own calls fail all the time.
      const stop = new Int32Array(new SharedArrayBuffer(4));
      let signals = 0;
      process.on('SIGUSR2', () => { signals += 1; });
      const sender = new Worker(
        \`import { existsSync } from 'node:fs'; import { workerData } from 'node:worker_threads';
          while (Atomics.load(workerData, 0) === 0) { process.kill(process.pid, 'SIGUSR2'); existsSync('/nowhere'); }\`,
        { eval: true, workerData: stop },
      );
      while (signals === 0) await new Promise(setImmediate);
      const wrong = [];
      let right = 0;
      let garbage = [];
      for (let round = 0; round < ${rounds}; round += 1) {
        const [errno, call] = failures[round % failures.length];
        call();
        if (calls.errno() === errno) right += 1; else wrong.push([errno, calls.errno()]);
        garbage.push(new Array(64).fill(round), BigInt(round) << 80n);
        if (garbage.length > 4_000) garbage = [];
        if (round % 500 === 0) globalThis.gc({ type: 'minor' });
        if (round % 5_000 === 0) { globalThis.gc(); await new Promise(setImmediate); }
      }
      Atomics.store(stop, 0, 1);
      await sender.terminate();
      await new Promise(setImmediate);
      say({ right, wrong: wrong.slice(0, 10), signals: signals > 0 });`,
      // The profiler interrupts the thread by SIGPROF, thousands of times in a second.
      {
        execArgv: [
          '--expose-gc',
          '--cpu-prof',
          '--cpu-prof-interval=200',
          `--cpu-prof-dir=${profiles}`,
        ],
      },
    );
    if (child.result === undefined) throw new Error(`ended by ${child.signal}: ${child.stderr}`);
    expect(child.result).toEqual({ right: rounds, wrong: [], signals: true });
  });

  it('control: looked at where the failure is explained, it would be that of another call', (context) => {
    const child = runChild(
      context,
      `${TABLES}
      say(failures.map(([, call]) => {
        call();
        existsSync('/nowhere');
        return [calls.errno(), ffi.errno()];
      }));`,
    );
    expect(child.result).toEqual([12, 22, 9, 22, 38, 12].map((kept) => [kept, 2]));
  });
});
