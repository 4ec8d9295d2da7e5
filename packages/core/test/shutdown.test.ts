import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { open } from './fixture.js';

const dist = (file: string): string => JSON.stringify(new URL(`../dist/${file}`, import.meta.url));

/** Runs a program that says `ready` when it waits for `signal`, and gives what it said and how it ended. */
function run(program: string, signal: NodeJS.Signals) {
  const args = ['--input-type=module', '-e', program];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
    if (said.endsWith('ready\n')) child.kill(signal);
  });
  return new Promise<{ said: string[]; signal: string | null }>((resolve) => {
    child.on('close', (_, end) => resolve({ said: said.trim().split('\n'), signal: end }));
  });
}

const OPENED = `
  import { createRequire } from 'node:module';
  import { subscribe } from 'node:diagnostics_channel';
  import { writeSync } from 'node:fs';
  import { createAllocator } from ${dist('index.js')};
  import { fakeBackend } from ${dist('testing.js')};
  const say = (text) => writeSync(1, text + '\\n');
  subscribe('securemem:purge', ({ reason, secrets }) => say(reason + ' ' + secrets));
  const memory = createAllocator({ backend: fakeBackend() });
  memory.randomSync(32);
  setInterval(() => {}, 1000);
`;

describe('the exit hooks', () => {
  it('G5 wipe and die when two copies of the package are loaded', async () => {
    const program = `${OPENED}
      const { fileURLToPath } = await import('node:url');
      const copy = createRequire(import.meta.url)(fileURLToPath(${dist('index.cjs')}));
      const second = copy.createAllocator({ backend: fakeBackend() });
      second.randomSync(32);
      second.randomSync(32);
      say('ready');`;
    const { said, signal } = await run(program, 'SIGTERM');
    expect(said.sort()).toEqual(['SIGTERM 1', 'SIGTERM 2', 'ready']);
    expect(signal).toBe('SIGTERM');
  });

  it.each(['SIGQUIT', 'SIGALRM', 'SIGUSR2', 'SIGXCPU'] as const)(
    'SEC18 are not called for %s, which nobody listens to: nothing is wiped, as the page on lifetimes says',
    async (signal) => {
      expect(await run(`${OPENED} say('ready');`, signal)).toEqual({ said: ['ready'], signal });
    },
  );

  it.each(['on', 'once'])(
    'G5 leave a program alone that listens with process.%s()',
    async (how) => {
      const before = `process.${how}('SIGTERM', () => {
      say('draining, ' + memory.stats().secrets + ' live');
      process.exit(0);
    });`;
      const first = OPENED.replace('const memory', `${before}\n  const memory`);
      const { said, signal } = await run(`${first} say('ready');`, 'SIGTERM');
      expect(said).toEqual(['ready', 'draining, 1 live', 'exit 1']);
      expect(signal).toBeNull();
    },
  );

  it('C5 tell of the last purge where a subscriber ends the process, and where corruption does', async () => {
    const ends = `${OPENED}
      const page = { budget: { lockedByteLengthMax: 4096 }, routing: { pooledByteLengthMax: 0 } };
      const full = createAllocator({ backend: fakeBackend(), ...page });
      full.randomSync(32);
      subscribe('tracing:securemem:wait:start', () => process.exit(0));
      full.allocate(32);
      say('not reached');`;
    expect((await run(ends, 'SIGTERM')).said.sort()).toEqual(['exit 1', 'exit 1']);

    const aborts = `${OPENED}
      import { createFakeKernel } from ${dist('testing.js')};
      const kernel = createFakeKernel();
      subscribe('securemem:corruption', ({ error }) => say(error.code));
      const damaged = createAllocator({ backend: fakeBackend({ kernel }), onCorruption: 'abort' });
      const secret = damaged.allocateSync(32);
      const waiting = damaged.allocate(15 * 4096 + 1, { waitMsMax: 60000 });
      waiting.catch(() => {});
      for (const region of kernel.regionIds) kernel.poke(region, 0, new Uint8Array(8));
      say('waiting ' + damaged.stats().admission.waiting);
      secret.dispose();
      say('not reached');`;
    const { said, signal } = await run(aborts, 'SIGTERM');
    expect(said).toEqual(['waiting 1', 'ERR_SECMEM_CANARY_MISMATCH', 'corruption 0']);
    expect(signal).toBe('SIGABRT');
  });

  it('G5 wipe every open allocator, though the wiping of one fails', async () => {
    const program = `${OPENED}
      import { faultyBackend } from ${dist('testing.js')};
      const capabilities = { views: 'none' };
      const broken = faultyBackend(fakeBackend({ capabilities }));
      const first = createAllocator({ backend: broken });
      first.randomSync(32);
      const last = createAllocator({ backend: fakeBackend() });
      last.randomSync(32);
      for (const operation of ['wipe', 'write', 'unmap']) broken.fail(operation, { times: Infinity });
      say('ready');`;
    const { said, signal } = await run(program, 'SIGINT');
    expect(signal).toBe('SIGINT');
    expect(said.filter((line) => line === 'SIGINT 1').length).toBeGreaterThanOrEqual(2);
  });

  it('G5 are not installed where they are not wanted, and gone after close()', async () => {
    const listeners = () => process.listenerCount('exit') + process.listenerCount('SIGTERM');
    const before = listeners();
    const without = open();
    expect(listeners()).toBe(before);
    const one = open({ exitHooks: true });
    const two = open({ exitHooks: true });
    expect(listeners()).toBe(before + 2);
    await one.memory.close();
    expect(listeners()).toBe(before + 2);
    await two.memory.close();
    await two.memory.close();
    await without.memory.close();
    expect(listeners()).toBe(before);
  });
});
