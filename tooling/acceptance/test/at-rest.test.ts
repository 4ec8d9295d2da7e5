import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, type TestContext } from 'vitest';
import { ended, needs, runScenario } from '../src/run-scenario.js';

const CLOSING = ['koffi', 'napi', 'napi-mlock'];
const CHILD = fileURLToPath(new URL('../src/child.mjs', import.meta.url));

const run = async <T>(context: TestContext, backend: string, where: string): Promise<T> =>
  ended(await runScenario<T>(context, `at-rest:${where}`, backend));

describe.each(CLOSING)('protection at rest, %s', (backend) => {
  it('M7 a slab closes when the last of three readers of two secrets leaves, and a writer opens all of it', async (context) => {
    expect(await run(context, backend, 'overlapping')).toEqual({
      slabs: 1,
      seen: [['---'], ['r--'], ['r--'], ['r--'], ['---'], ['rw-'], ['---']],
    });
  });

  it('M7 a thousand secrets read zero when each dispose() returns, and each slab closes once', async (context) => {
    expect(await run(context, backend, 'disposedInOneTurn')).toEqual({
      readable: 0,
      perSlab: 2,
      after: ['---'],
    });
  });

  it('X16 a touch of a closed page spins where the program listens to SIGSEGV, and core warned of it', {
    timeout: 60_000,
  }, async (context) => {
    needs(context, backend);
    const child = touchBesideListener(backend, true);
    expect(await child.touching).toMatch(/touching, 1 warnings/);
    // It uses the processor instead of dying: measured by what it used, however slow the machine is.
    await expect
      .poll(() => cpuTicks(child.pid), { timeout: 50_000, interval: 50 })
      .toBeGreaterThan(child.ticks() + 20);
    child.kill();
    expect(await child.signal).toBe('SIGKILL');
    expect(child.stderr()).not.toMatch(/survived/);
  });

  it('X16 control: without the listener the same touch kills at once, and there is no warning', async (context) => {
    needs(context, backend);
    const child = touchBesideListener(backend, false);
    expect(await child.touching).toMatch(/touching, 0 warnings/);
    expect(['SIGSEGV', 'SIGBUS']).toContain(await child.signal);
  });
});

describe('protection at rest, nolock', () => {
  it('M7 what the backend cannot do is refused, never a no-op', async (context) => {
    const refused = await run(context, 'nolock', 'refused');
    expect(refused).toEqual(['ERR_SECMEM_NOT_SUPPORTED', 'ERR_SECMEM_NOT_SUPPORTED']);
  });
});

/** Processor time that a process used, in ticks of the kernel; undefined when it is gone. */
function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

function touchBesideListener(backend: string, listens: boolean) {
  const options = JSON.stringify({ listens });
  const args = [CHILD, 'at-rest:touchBesideListener', backend, options];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const pid = child.pid as number;
  let stderr = '';
  let ticks = 0;
  const touching = new Promise<string>((resolve) => {
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
      if (!stderr.includes('\n')) return;
      if (listens) ticks = cpuTicks(pid);
      resolve(stderr);
    });
    child.on('close', () => resolve(stderr));
  });
  const signal = new Promise<string | null>((resolve) => {
    child.on('close', (_code, killedBy) => resolve(killedBy));
  });
  return {
    pid,
    touching,
    signal,
    ticks: () => ticks,
    stderr: () => stderr,
    kill: () => child.kill('SIGKILL'),
  };
}
