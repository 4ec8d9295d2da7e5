import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  abortWith,
  type Purgeable,
  registerForExit,
  unregisterForExit,
} from '../src/places/shutdown.js';
import { departed, open, thrown } from './fixture.js';

/** The signal of these tests: the test runner listens to the others. */
const SIGNAL = 'SIGHUP';

/** What is printed and done in the end, instead of doing it. */
const end = vi.hoisted(() => ({ line: '' }));
vi.mock('node:fs', async (original) => ({
  ...(await original<typeof import('node:fs')>()),
  writeSync: (_: number, text: string) => {
    end.line += text;
  },
}));

const kill = vi.spyOn(process, 'kill');
const abort = vi.spyOn(process, 'abort');

/** Something to wipe, and why it was wiped. */
function purgeable(failure?: Error): Purgeable & { readonly reasons: string[] } {
  const reasons: string[] = [];
  const purge = (reason: string): void => {
    reasons.push(reason);
    if (failure !== undefined) throw failure;
  };
  return { reasons, purge };
}

beforeEach(() => {
  end.line = '';
  kill.mockReset().mockReturnValue(true);
  abort.mockReset().mockImplementation(() => {
    throw new Error('aborted');
  });
});
afterEach(() => {
  expect(process.listenerCount(SIGNAL)).toBe(0);
});

describe('the exit hooks', () => {
  it('G5 at a signal wipe everything, though the wiping of one fails, and raise the signal again', () => {
    const all = [purgeable(), purgeable(new Error('stuck')), purgeable()];
    for (const one of all) registerForExit(one);
    process.emit(SIGNAL, SIGNAL);
    expect(all.map(({ reasons }) => reasons)).toEqual([[SIGNAL], [SIGNAL], [SIGNAL]]);
    expect(kill.mock.calls).toEqual([[process.pid, SIGNAL]]);
    // Without the handler the second signal ends the process, as it would have without us.
    expect(process.listenerCount(SIGNAL)).toBe(0);
    for (const one of all) unregisterForExit(one);
  });

  it('G5 leave everything alone while the program listens to the signal itself', () => {
    const one = purgeable();
    const draining = vi.fn();
    registerForExit(one);
    process.once(SIGNAL, draining);
    process.emit(SIGNAL, SIGNAL);
    expect(draining).toHaveBeenCalledOnce();
    expect([one.reasons, kill.mock.calls]).toEqual([[], []]);
    unregisterForExit(one);
  });

  it('G5 in a worker thread listen to its end alone: signals are for the main thread', async () => {
    vi.resetModules();
    vi.doMock('node:worker_threads', () => ({ isMainThread: false }));
    const thread = await import('../src/places/shutdown.js');
    const one = purgeable();
    const before = process.listenerCount('exit');
    thread.registerForExit(one);
    expect(process.listenerCount('exit') - before).toBe(1);
    expect(process.listenerCount(SIGNAL)).toBe(0);
    thread.unregisterForExit(one);
    thread.unregisterForExit(one);
    expect(process.listenerCount('exit')).toBe(before);
    vi.doUnmock('node:worker_threads');
  });
});

describe('ending the process by policy', () => {
  it('A8 prints one line, wipes everything and aborts, though the wiping fails', () => {
    const { memory, backend } = open();
    backend.fail('map', {});
    const error = thrown(() => memory.allocateSync(32)) as never;
    const purge = vi.fn(() => {
      throw new Error('stuck');
    });
    expect(() => abortWith(error, purge)).toThrow('aborted');
    expect(purge).toHaveBeenCalledOnce();
    expect(end.line).toMatch(/^securemem: aborting: ERR_SECMEM_\w+: [^\n]+\n$/);
  });

  it('A8 onCapacity abort ends it at the first refusal, with nothing readable left', async () => {
    const { memory, kernel } = open({ onCapacity: 'abort' });
    memory.allocateSync(4096).write((bytes) => bytes.fill(0xc3));
    kernel.setLockLimit({ kind: 'bytes', byteLength: 0 });
    expect(thrown(() => memory.allocateSync(32)).message).toBe('aborted');
    await departed(memory);
    await expect(memory.allocate(32)).rejects.toThrow('aborted');
    expect(end.line).toContain('ERR_SECMEM_LOCK_LIMIT');
    expect(abort).toHaveBeenCalledTimes(2);
    expect(memory.stats().secrets).toBe(0);
  });

  it('M5 onCorruption abort ends it, and purge wipes every secret and goes on', () => {
    for (const onCorruption of ['abort', 'purge'] as const) {
      const { memory, kernel } = open({ onCorruption });
      const [damaged, other] = memory.allocateAllSync([64, 64]);
      const [region] = kernel.regionIds as [never];
      const [canary = 0] = kernel.peek(region, 8 + 64, 1);
      kernel.poke(region, 8 + 64, Uint8Array.of(canary ^ 0xff));
      const error = thrown(() => damaged?.dispose());
      expect(error).toMatchObject(
        onCorruption === 'abort' ? { message: 'aborted' } : { code: 'ERR_SECMEM_CANARY_MISMATCH' },
      );
      expect([other?.disposed, memory.stats().secrets]).toEqual([true, 0]);
    }
    expect(end.line.match(/aborting/g)).toHaveLength(1);
  });
});
