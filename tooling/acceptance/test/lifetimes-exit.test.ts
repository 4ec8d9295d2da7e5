import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import { unavailable } from '../src/backends.mjs';
import { type ProgramEnd, runProgram } from '../src/program.js';

const PROGRAM = fileURLToPath(new URL('../src/exit-path.mjs', import.meta.url));

/** Leaves by a path; `signals` are sent as soon as the program is ready. */
const leave = (
  backend: string,
  path: string,
  signals: readonly NodeJS.Signals[] = [],
): Promise<ProgramEnd> =>
  runProgram([PROGRAM, backend, path], (said, child) => {
    if (said['ready']) for (const signal of signals) child.kill(signal);
  });

/** What the program says when it was wiped: one copy before, none after. */
const wiped = (purged: string) => ({
  purged,
  secrets: 1,
  held: 1,
  left: 0,
  disposed: true,
});

// Of napi the mode whose pages a scan can see: that it finds nothing would show nothing of the other.
describe.each(['koffi', 'napi-mlock'])('the ways out of a process, %s', (backend) => {
  beforeEach((context) => {
    const reason = unavailable(backend);
    context.skip(reason !== undefined, `not proven: ${backend} cannot open here: ${reason}`);
    context.skip(process.platform !== 'linux', 'not proven: memory is scanned through /proc');
  });

  it.each([
    ['the end of the program', 'normal', 0],
    ['an uncaught error', 'throw', 1],
    ['a rejection that nobody caught', 'rejection', 1],
    ['process.exit() inside try', 'exit', 1],
  ])('G5 wipes at %s, and the exit code stays', async (_, path, code) => {
    const end = await leave(backend, path);
    expect(end).toMatchObject({ code, signal: null });
    expect(end.said).toContainEqual(wiped('exit'));
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'G5 wipes at %s, and the program dies of it',
    async (signal) => {
      const end = await leave(backend, 'wait', [signal]);
      expect(end).toMatchObject({ code: null, signal });
      expect(end.said.slice(1)).toEqual([wiped(signal)]);
    },
  );

  it('G5 wipes once at SIGINT pressed twice, and the program dies of it', async () => {
    const end = await leave(backend, 'wait', ['SIGINT', 'SIGINT']);
    expect(end).toMatchObject({ code: null, signal: 'SIGINT' });
    expect(end.said.slice(1)).toEqual([wiped('SIGINT')]);
  });

  it('G5 leaves a signal to a program that listens to it, and wipes at its end', async () => {
    const end = await leave(backend, 'drain', ['SIGTERM']);
    expect(end).toMatchObject({ code: 0, signal: null });
    expect(end.said.slice(1)).toEqual([{ draining: true, intact: true }, wiped('exit')]);
  });

  it('G5 zeroes what is lent, too', async () => {
    const end = await leave(backend, 'lease');
    expect(end.said.slice(1)).toEqual([wiped('exit'), { lent: true }]);
  });

  it('G5 runs nothing at SIGKILL and abort(): the kernel alone takes the memory back', async () => {
    const killed = await leave(backend, 'wait', ['SIGKILL']);
    expect(killed).toMatchObject({ signal: 'SIGKILL' });
    expect(killed.said).toHaveLength(1);
    const aborted = await leave(backend, 'abort');
    expect(aborted).toMatchObject({ signal: 'SIGABRT' });
    expect(aborted.said).toHaveLength(1);
  });

  it('G5 shows what the tests above would see: without the hooks nothing is wiped', async () => {
    const end = await leave(backend, 'no-hooks', ['SIGTERM']);
    expect(end).toMatchObject({ signal: 'SIGTERM' });
    const [ready] = end.said;
    expect(end.said).toHaveLength(1);
    expect(ready?.['handlers']).toEqual(ready?.['before']);
  });

  it('G5 has handlers on the process while an allocator is open, and only then', async () => {
    const end = await leave(backend, 'close');
    const [ready, closed] = end.said as Record<string, number[]>[];
    expect(end).toMatchObject({ code: 0, signal: null });
    const none = ready?.['before'] ?? [];
    expect(ready?.['handlers']).toEqual(none.map((listeners) => listeners + 1));
    expect(closed?.['handlers']).toEqual(none);
    expect(end.said).toHaveLength(2);
  });
});

it('X8 runs the exit hook and no pending finally, at process.exit() and at a rejection that nobody caught', async (context) => {
  context.skip(process.platform !== 'linux', 'not proven: memory is scanned through /proc');
  for (const path of ['exit', 'rejection']) {
    const { said } = await leave('nolock', path);
    expect(said.some((line) => line['finally'] === true)).toBe(false);
    expect(said.at(-1)).toMatchObject({ purged: 'exit', secrets: 1, disposed: true });
  }
});
