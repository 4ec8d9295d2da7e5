import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import { createMarker } from '../src/memory-scan.mjs';
import { needsTerminal, openTerminal, type TerminalSession } from '../src/pseudo-terminal.js';
import { needs } from '../src/run-scenario.js';

const PROGRAM = fileURLToPath(new URL('../src/prompt.mjs', import.meta.url));
const INTERRUPTED = 130;
const TERMINATED = 143;

/** A program that shows its prompt, with what it says of itself. */
async function ask(backend: string, what = '', masked = ''): Promise<TerminalSession> {
  const session = await openTerminal([PROGRAM, backend, what, masked]);
  await session.until('Password: ');
  return session;
}

/** Everything that the program has said, in order. */
const said = ({ shown }: TerminalSession): Record<string, unknown>[] =>
  [...shown.matchAll(/said=(.*?)\r?\n/g)].map(([, json = '']) => JSON.parse(json));

describe.each(['koffi', 'napi'])('fromTerminal() on %s', (backend) => {
  beforeEach((context) => {
    needs(context, backend);
    needsTerminal(context);
  });

  it('G5 switches the echo off while a person types, and on again', async () => {
    const session = await ask(backend);
    expect(session.echoes()).toBe(false);
    session.press('correct horsx\u007fe');
    session.press('\r');
    expect(await session.ended()).toEqual({ code: 0, echo: true });
    expect(said(session).at(-1)).toMatchObject({ line: 'correct horse'.length });
    expect(session.shown).not.toContain('corr');
    expect(session.shown).not.toContain('horse');
  });

  it('leaves what was typed nowhere but in the page, and after dispose nowhere', async (context) => {
    context.skip(process.platform !== 'linux', 'not proven: memory is scanned through /proc');
    const marker = createMarker(32).asText('hex');
    const session = await ask(backend, '', marker.masked());
    session.press(marker.fill(new Uint8Array(new ArrayBuffer(marker.byteLength))));
    session.press('\r');
    expect(await session.ended()).toEqual({ code: 0, echo: true });
    const [, found] = said(session);
    expect(found).toMatchObject({ line: 64, elsewhere: 0, after: 0 });
    if (found?.['inPage'] !== undefined) expect(found['inPage']).toBe(1);
  });

  it('G5 dies of Ctrl-C as any program does, and the terminal is as it was', async () => {
    const session = await ask(backend);
    session.press('half a pass\u0003');
    expect(await session.ended()).toEqual({ code: INTERRUPTED, echo: true });
    expect(said(session)).toHaveLength(1);
  });

  it('leaves Ctrl-C to a program that listens to SIGINT, and rejects', async () => {
    const session = await ask(backend, 'catch');
    session.press('half a pass\u0003');
    expect(await session.ended()).toEqual({ code: 0, echo: true });
    expect(said(session).slice(1)).toEqual([
      { caught: 'SIGINT' },
      expect.objectContaining({
        code: 'ERR_SECMEM_INPUT_INVALID',
        reason: 'interrupted',
        secrets: 0,
      }),
    ]);
  });

  it.each([
    ['SIGTERM', TERMINATED],
    ['SIGINT', INTERRUPTED],
    ['SIGHUP', 129],
  ] as const)('G5 dies of %s, and the terminal is as it was', async (signal, code) => {
    const session = await ask(backend);
    session.press('half a pass');
    process.kill(Number(said(session)[0]?.['pid']), signal);
    expect(await session.ended()).toEqual({ code, echo: true });
  });

  it.each([
    ['an uncaught error', 'throw', 1],
    ['a rejection that nobody caught', 'reject', 1],
    ['process.exit()', 'exit', 3],
  ])('G5 puts the terminal back after %s', async (_, what, code) => {
    const session = await ask(backend, what);
    process.kill(Number(said(session)[0]?.['pid']), 'SIGUSR2');
    expect(await session.ended()).toEqual({ code, echo: true });
  });

  it.each([
    ['SIGQUIT', 131],
    ['SIGABRT', 134],
    ['SIGUSR2', 140],
    ['SIGALRM', 142],
    ['SIGXCPU', 152],
  ] as const)('SEC10 dies of %s, and the terminal is as it was', async (signal, code) => {
    const session = await ask(backend, 'deaf');
    process.kill(Number(said(session)[0]?.['pid']), signal);
    expect(await session.ended()).toEqual({ code, echo: true });
  });

  it('P07 switches the echo off again after a stop, and asks anew', async (context) => {
    context.skip(process.platform !== 'linux', 'not proven: a stop is seen in /proc');
    const session = await ask(backend);
    const pid = Number(said(session)[0]?.['pid']);
    process.kill(pid, 'SIGSTOP');
    const stopped = (): boolean => / T /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
    while (!stopped()) await delay(1);
    session.takeBack();
    expect(session.echoes()).toBe(true);
    process.kill(pid, 'SIGCONT');
    await session.until('Password: \r\nPassword: ');
    expect(session.echoes()).toBe(false);
    session.press('hunter2\r');
    expect(await session.ended()).toEqual({ code: 0, echo: true });
    expect(said(session).at(-1)).toMatchObject({ line: 7 });
    expect(session.shown).not.toContain('hunter2');
  });

  it('G5 shows what the tests above would see: after SIGKILL the echo stays off', async () => {
    const session = await ask(backend);
    process.kill(Number(said(session)[0]?.['pid']), 'SIGKILL');
    expect(await session.ended()).toEqual({ code: 137, echo: false });
  });

  it('goes on when a program listens to SIGTERM itself', async () => {
    const session = await ask(backend, 'listen');
    process.kill(Number(said(session)[0]?.['pid']), 'SIGTERM');
    await session.until('drained');
    expect(session.echoes()).toBe(false);
    session.press('done\r');
    expect(await session.ended()).toEqual({ code: 0, echo: true });
    expect(said(session).at(-1)).toMatchObject({ line: 4 });
  });

  it.each([
    ['its signal aborts', 'abort', '', { message: 'enough' }],
    ['nobody answers', 'impatient', '', { code: 'ERR_SECMEM_WAIT_TIMEOUT' }],
    ['the answer is empty', '', '\r', { reason: 'empty' }],
    ['the answer is too long', '', `${'x'.repeat(81)}\r`, { reason: 'length' }],
    ['the input ends', '', '\u0004', { reason: 'ended' }],
  ])('rejects and leaves nothing when %s', async (_, what, keys, expected) => {
    const session = await ask(backend, what);
    session.press(keys);
    process.kill(Number(said(session)[0]?.['pid']), 'SIGUSR2');
    expect(await session.ended()).toEqual({ code: 0, echo: true });
    expect(said(session).at(-1)).toMatchObject({ ...expected, secrets: 0 });
    expect(session.shown).not.toContain('xx');
  });
});

describe('fromTerminal()', () => {
  it('rejects where there is no terminal', async (context) => {
    needsTerminal(context);
    const args = ['-w', process.execPath, PROGRAM, 'nolock'];
    const { stdout } = spawnSync('setsid', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    expect(stdout.toString()).toContain('ERR_SECMEM_NOT_SUPPORTED');
    expect(stdout.toString()).not.toContain('Password');
  });
});
