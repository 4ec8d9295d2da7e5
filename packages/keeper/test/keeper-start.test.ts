import { existsSync } from 'node:fs';
import { byCategory, halt, isSecureMemoryError, retry, terminate } from '@securemem/core';
import { describe, expect, it } from 'vitest';
import type { KeeperOptions } from '../src/index.js';
import {
  bytes,
  freshFile,
  killNow,
  linesOf,
  nextEvent,
  openSubject,
  quickRetry,
  rejectionOf,
  SUBJECT,
  text,
} from './open-subject.js';

const MODULE = new URL('./modules/starts.mjs', import.meta.url);

const faulty = (fault: string, more: Partial<KeeperOptions> = {}): Partial<KeeperOptions> => ({
  module: MODULE,
  crashPolicy: terminate(),
  ...more,
  env: { FAULT: fault, ...more.env },
});

describe('openKeeper()', () => {
  it.each([
    ['throw on import', 'the module throws'],
    ['exit on import', 'exit code 0'],
    ['no definition', 'backend must be a function'],
    ['no backend', 'JSON'],
    ['harden', 'lock-limit: not permitted'],
    ['reject', 'no key in the file'],
    ['exit', 'exit code 3'],
    ['kill', 'SIGKILL'],
    ['garbage', 'protocol'],
  ])('S14 rejects with a crash of category spawn on %s', async (fault, words) => {
    const error = await rejectionOf(openSubject(faulty(fault)));
    expect(isSecureMemoryError(error, 'ERR_SECMEM_KEEPER_CRASHED')).toBe(true);
    expect(error).toMatchObject({
      kind: 'crash',
      details: { crash: { category: 'spawn', activity: 'starting', decision: 'terminate' } },
    });
    expect(error.message).toContain(words);
  });

  it('S14 rejects with the typed error of provision as cause', async () => {
    const error = await rejectionOf(openSubject(faulty('reject')));
    expect(isSecureMemoryError(error.cause, 'ERR_SECMEM_INPUT_INVALID')).toBe(true);
  });

  it.each(['hang', 'keep alive'])('S14 S12 kills a start that does not end (%s)', async (fault) => {
    const error = await rejectionOf(openSubject(faulty(fault, { startMsMax: 1_000 })));
    expect(error).toMatchObject({ details: { crash: { category: 'spawn' } } });
  });

  it.each([
    ['a runtime that does not exist', { execPath: '/nonexistent/node' }, 'ENOENT'],
    ['a runtime that is no program', { execPath: '/' }, 'EACCES'],
    ['an option that the runtime refuses', { execArgv: ['--no-such-option'] }, 'bad option'],
    ['a module that does not exist', { module: '/nonexistent/module.mjs' }, 'nonexistent'],
    ['a descriptor that is not open', { descriptors: [999] }, ''],
  ])('S5 S14 rejects with category spawn for %s', async (_name, options, words) => {
    const error = await rejectionOf(openSubject({ crashPolicy: terminate(), ...options }));
    expect(error).toMatchObject({
      code: 'ERR_SECMEM_KEEPER_CRASHED',
      details: { crash: { category: 'spawn' } },
    });
    const crash = (error as unknown as { details: { crash: { stderrTail: string } } }).details
      .crash;
    expect(`${error.message}${crash.stderrTail}`).toContain(words);
  });

  it('S14 refuses limits that nobody would set', async () => {
    const module = new URL('./modules/no-harden.mjs', import.meta.url);
    const limits = { lockedByteLengthMax: 65_536 };
    const error = await rejectionOf(openSubject({ module, limits, crashPolicy: terminate() }));
    expect(error.message).toContain('no harden');
    const keeper = await openSubject({ module });
    expect(await keeper.call('echo', bytes('x'))).toEqual(bytes('x'));
  });

  it('KS10 takes a module that was compiled to CommonJS', async () => {
    const module = new URL('./modules/compiled.cjs', import.meta.url);
    const keeper = await openSubject({ module });
    expect(await keeper.call('echo', bytes('x'))).toEqual(bytes('x'));
  });

  it('S7 S14 starts a module that always fails exactly max + 1 times', async () => {
    const log = freshFile();
    const crashPolicy = quickRetry({ restartsMax: 3 });
    const error = await rejectionOf(
      openSubject(faulty('exit', { crashPolicy, env: { FAULT: 'exit', LOG: log } })),
    );
    expect(linesOf(log)).toHaveLength(4);
    expect(new Set(linesOf(log)).size).toBe(4);
    expect(error.message).toContain('3 restart(s)');
    expect(error).toMatchObject({ details: { crash: { generation: 4, decision: 'terminate' } } });
  });

  it('S6 S14 halts everyone who shares the policy when a start fails', async () => {
    const crashPolicy = halt();
    const healthy = await openSubject({ crashPolicy });
    const halted = nextEvent(healthy, 'halt');
    const error = await rejectionOf(openSubject(faulty('exit', { crashPolicy })));
    expect(await halted).toBe(error);
    expect(
      isSecureMemoryError(await rejectionOf(healthy.call('echo')), 'ERR_SECMEM_KEEPER_HALTED'),
    ).toBe(true);
    expect(crashPolicy.latch.cause).toBe(error);
  });

  it('S6 halts a start that is under way when another keeper crashes', async () => {
    const crashPolicy = halt();
    const healthy = await openSubject({ crashPolicy });
    const opening = rejectionOf(openSubject(faulty('hang', { crashPolicy })));
    const halted = nextEvent(healthy, 'halt');
    killNow(healthy);
    const error = await opening;
    expect(isSecureMemoryError(error, 'ERR_SECMEM_KEEPER_HALTED')).toBe(true);
    expect(error.cause).toBe(await halted);
  });

  it('S6 starts nothing under a policy that has halted', async () => {
    const crashPolicy = halt();
    crashPolicy.latch.trip(new Error('long ago'));
    const log = freshFile();
    const error = await rejectionOf(
      openSubject({ module: MODULE, crashPolicy, env: { LOG: log } }),
    );
    expect(error).toMatchObject({
      code: 'ERR_SECMEM_KEEPER_HALTED',
      cause: { message: 'long ago' },
    });
    expect(existsSync(log)).toBe(false);
  });

  it('lets provision call the host', async () => {
    const keeper = await openSubject(
      faulty('ask', { host: { key: () => bytes('from the host') } }),
    );
    expect(text(await keeper.call('state'))).toBe('from the host');
  });

  it('refuses bad options before it starts anything', async () => {
    const as = <T>(value: unknown) => value as T;
    const bad: [Partial<KeeperOptions>, unknown][] = [
      [as({ unknown: 1 }), TypeError],
      [{ module: 'relative/path.mjs' }, TypeError],
      [{ module: new URL('https://example.org/module.mjs') }, TypeError],
      [{ crashPolicy: as('halt') }, TypeError],
      [{ limits: as({ memory: 1 }) }, TypeError],
      [{ limits: { cpuSecondsMax: 0 } }, RangeError],
      [{ limits: { heapByteLengthMax: 1_024 } }, RangeError],
      [{ callMsMax: 0 }, RangeError],
      [{ callMsMax: 2 ** 31 }, RangeError],
      [{ startMsMax: 1.5 }, RangeError],
      [{ callsMax: 0 }, RangeError],
      [{ callsMax: 1_000_001 }, RangeError],
      [{ payloadByteLengthMax: 63 }, RangeError],
      [{ payloadByteLengthMax: 64 * 1_024 * 1_024 + 1 }, RangeError],
      [{ host: as({ act: 'text' }) }, TypeError],
      [{ descriptors: new Array(17).fill(0) }, RangeError],
      [{ descriptors: [-1] }, RangeError],
    ];
    for (const [options, type] of bad) {
      const log = freshFile();
      const error = await rejectionOf(
        openSubject({ module: MODULE, env: { LOG: log }, ...options }),
      );
      expect(error).toBeInstanceOf(type);
      expect(existsSync(log)).toBe(false);
    }
  });
});

describe('the process of a keeper', () => {
  it('inherits no environment and no options of the runtime', async () => {
    process.env.NODE_OPTIONS = '--inspect=0';
    try {
      const keeper = await openSubject({ env: { ONLY: 'this' } });
      const [env, execArgv] = JSON.parse(text(await keeper.call('environment')));
      expect(env).toEqual({ ONLY: 'this' });
      expect(execArgv.filter((option: string) => option.includes('inspect'))).toEqual([]);
    } finally {
      delete process.env.NODE_OPTIONS;
    }
  });

  it('opens no debugger on SIGUSR1', async () => {
    const keeper = await openSubject({ crashPolicy: terminate() });
    const crashed = nextEvent(keeper, 'crash');
    killNow(keeper, 'SIGUSR1');
    await keeper.call('echo');
    killNow(keeper, 'SIGKILL');
    expect((await crashed).stderrTail).not.toContain('Debugger');
  });

  it('has the limits that were asked for, set from inside', async () => {
    const keeper = await openSubject({
      limits: { lockedByteLengthMax: 32_768, cpuSecondsMax: 77, heapByteLengthMax: 64 * 2 ** 20 },
    });
    const limits = text(await keeper.call('limits'));
    expect(limits).toMatch(/Max locked memory +32768 +/);
    expect(limits).toMatch(/Max core file size +0 +/);
    expect(limits).toMatch(/Max cpu time +77 +/);
    const [, execArgv] = JSON.parse(text(await keeper.call('environment')));
    expect(execArgv).toContain('--max-old-space-size=64');
  });

  it('holds to the lock limit even where the kernel would not make it', async () => {
    const limits = { lockedByteLengthMax: 32_768 };
    const keeper = await openSubject({ module: MODULE, limits });
    const error = await rejectionOf(keeper.call('fill'));
    expect(error).toMatchObject({
      code: 'ERR_SECMEM_LOCK_LIMIT',
      details: { limit: 'budget', inUseByteLength: 32_768, limitByteLength: 32_768 },
    });
  });

  it('is chosen by category where the policy says so', async () => {
    const crashPolicy = byCategory({ spawn: retry({ backoff: { baseMs: 1 } }), default: halt() });
    const error = await rejectionOf(openSubject(faulty('exit', { crashPolicy })));
    expect(error).toMatchObject({ details: { crash: { generation: 2 } } });
    const keeper = await openSubject({ module: SUBJECT, crashPolicy });
    const halted = nextEvent(keeper, 'halt');
    killNow(keeper);
    await halted;
  });
});
