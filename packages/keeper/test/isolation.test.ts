import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { terminate } from '@securemem/core';
import { describe, expect, it } from 'vitest';
import { FrameKind } from '../src/channel/frame.js';
import type { KeeperOptions } from '../src/index.js';
import { frame } from './frames.js';
import { openSubject, rejectionOf, text } from './open-subject.js';
import { RawKeeper } from './raw-keeper.js';

const PROBE = new URL('./modules/probe.mjs', import.meta.url);
const DESCRIPTORS_HOST = new URL('./hosts/out-of-descriptors.mjs', import.meta.url).pathname;
const STRANGERS_HOST = new URL('./hosts/strangers.mjs', import.meta.url).pathname;

const openProbe = (options: Partial<KeeperOptions> = {}) =>
  openSubject({ module: PROBE, crashPolicy: terminate(), ...options });

const shell = (command: string, ...args: readonly string[]): string => {
  const ran = spawnSync(
    '/bin/sh',
    ['-c', `${command}; exec "$0" "$@"`, process.execPath, ...args],
    {
      encoding: 'utf8',
    },
  );
  expect([ran.stderr, ran.status]).toEqual(['', 0]);
  return ran.stdout.trim();
};

describe('SEC3 a debugger that was opened while the keeper started', () => {
  it.each([
    ['import', 0],
    ['harden', 0],
    ['provision', 1],
  ])('fails the start, before the next secret (opened in %s)', async (step, provisioned) => {
    const error = await rejectionOf(openProbe({ env: { OPEN_DEBUGGER: step } }));
    expect(error).toMatchObject({
      details: { crash: { category: 'spawn' } },
      cause: { message: 'a debugger was opened in the keeper while it started' },
    });
    const { stderrTail } = (error as unknown as { details: { crash: { stderrTail: string } } })
      .details.crash;
    expect(stderrTail.split('provisioned').length - 1).toBe(provisioned);
  });

  it('fails it where the runtime was told to open one', async () => {
    const error = await rejectionOf(openProbe({ execArgv: ['--inspect=0'] }));
    expect(error).toMatchObject({ cause: { message: expect.stringContaining('debugger') } });
  });

  it('is not there once it is ready, whenever SIGUSR1 came', async () => {
    for (let delayMs = 0; delayMs < 60; delayMs += 6) {
      const keeper = new RawKeeper();
      const timer = setTimeout(() => keeper.process.kill('SIGUSR1'), delayMs);
      keeper.greet();
      // Killed by the signal, or stopped by itself, or ready without a debugger.
      const ready = await keeper.frameOf(FrameKind.ready).catch(() => undefined);
      clearTimeout(timer);
      if (ready === undefined) continue;
      const index = await keeper.indexOf('debugger');
      keeper.send(frame({ kind: FrameKind.call, id: 1, index }));
      expect(await keeper.frameOf(FrameKind.reply)).toMatchObject({ body: 'null' });
    }
  });
});

describe('P03 a host without a free descriptor', () => {
  it.each([0, 1, 3, 5, 7, 9, 11])(
    'gets an error from openKeeper, and lives (%i spare)',
    (spare) => {
      const told = shell('ulimit -n 60', DESCRIPTORS_HOST, 'open', String(spare));
      expect(['opened', 'ERR_SECMEM_KEEPER_CRASHED spawn']).toContain(told);
      if (spare === 0) expect(told).toBe('ERR_SECMEM_KEEPER_CRASHED spawn');
    },
  );

  it('goes on restarting its keeper until there is one again', () => {
    expect(shell('ulimit -n 60', DESCRIPTORS_HOST, 'restart')).toBe('restarted 9');
  });
});

describe('SEC11 a limit of 0 that was asked for', () => {
  const module = new URL('./modules/no-harden.mjs', import.meta.url);

  it.each([{ coreByteLengthMax: 0 }, { lockedByteLengthMax: 0 }])(
    'fails the start where nobody would set it (%o)',
    async (limits) => {
      expect((await rejectionOf(openProbe({ module, limits }))).message).toContain('no harden');
    },
  );

  it('is told from the default, which is left to the system there', async () => {
    const keeper = await openProbe({ module, limits: {} });
    expect(await keeper.call('echo')).toHaveLength(0);
  });

  it('is set where somebody can', async () => {
    const keeper = await openSubject({ limits: { coreByteLengthMax: 0 } });
    expect(text(await keeper.call('limits'))).toMatch(/Max core file size +0 +0 /);
  });
});

describe('SEC17 descriptors of the host', () => {
  it('are closed in the keeper where nobody passed them', () => {
    const stdio: (number | 'ignore' | 'pipe' | 'inherit')[] = new Array(101).fill('ignore');
    stdio.splice(1, 2, 'pipe', 'inherit');
    const strangers = ['/etc/hosts', '/etc/passwd'].map((path) => openSync(path, 'r'));
    for (const [n, descriptor] of strangers.entries()) stdio[[9, 100][n] as number] = descriptor;
    const { stdout } = spawnSync(process.execPath, [STRANGERS_HOST], { stdio, encoding: 'utf8' });
    for (const descriptor of strangers) closeSync(descriptor);
    const seen = JSON.parse(stdout) as string[];
    expect(seen).not.toContain('/etc/hosts');
    expect(seen).not.toContain('/etc/passwd');
    expect(seen.length).toBeGreaterThan(5);
  });

  it('are there where somebody did', async () => {
    const descriptor = openSync('/etc/passwd', 'r');
    const keeper = await openProbe({ descriptors: [descriptor] });
    closeSync(descriptor);
    expect(JSON.parse(text(await keeper.call('descriptors')))).toContain('/etc/passwd');
  });
});
