import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Terminal } from '../src/ingest/terminal.js';

/** A terminal in place of `/dev/tty`. A real one is tried where the real backends are. */
const device = vi.hoisted(() => ({
  there: true,
  raw: false,
  modes: [] as boolean[],
  refusesRaw: false,
  keys: [] as (number | string)[],
  shown: '',
  open: new Set<number>(),
}));

vi.mock('node:fs', async (original) => ({
  ...(await original<typeof import('node:fs')>()),
  openSync: (path: string) => {
    if (path !== '/dev/tty' || !device.there) throw new Error('ENXIO');
    const descriptor = device.open.size + 100;
    device.open.add(descriptor);
    return descriptor;
  },
  closeSync: (descriptor: number) => {
    if (!device.open.delete(descriptor)) throw new Error('EBADF');
  },
  readSync: (_: number, bytes: Uint8Array, byteOffset: number) => {
    const key = device.keys.shift() ?? 'EAGAIN';
    if (key === 'end') return 0;
    if (typeof key === 'string') throw Object.assign(new Error(key), { code: key });
    bytes[byteOffset] = key;
    return 1;
  },
  writeSync: (_: number, text: string) => {
    device.shown += text;
  },
}));

vi.mock('node:tty', () => ({
  ReadStream: class {
    readonly #descriptor: number;
    constructor(descriptor: number) {
      this.#descriptor = descriptor;
    }
    setRawMode(raw: boolean): void {
      if (raw && device.refusesRaw) throw new Error('ENOTTY');
      device.modes.push(raw);
      device.raw = raw;
    }
    destroy(): void {
      device.open.delete(this.#descriptor);
    }
  },
}));

const listeners = (): number => process.listenerCount('exit') + process.listenerCount('SIGINT');

beforeEach(() => {
  device.open.clear();
  Object.assign(device, {
    there: true,
    modes: [],
    raw: false,
    refusesRaw: false,
    keys: [],
    shown: '',
  });
});

describe('the terminal', () => {
  it('is raw and will be put back by whatever ends the process, until close()', () => {
    const before = listeners();
    const terminal = new Terminal();
    expect([device.raw, device.open.size, listeners() - before]).toEqual([true, 3, 2]);
    terminal.write('Password: ');
    terminal.close();
    terminal.close();
    terminal.purge();
    expect([device.raw, device.open.size, listeners() - before]).toEqual([false, 0, 0]);
    expect(device.shown).toBe('Password: ');
  });

  it('purge() puts it back, and again, with nothing closed', () => {
    const terminal = new Terminal();
    terminal.purge();
    terminal.purge();
    expect([device.raw, device.open.size]).toEqual([false, 3]);
    terminal.close();
  });

  it('readByte() gives a key, or nothing yet, and throws when it hangs up', () => {
    const terminal = new Terminal();
    const bytes = new Uint8Array(new ArrayBuffer(2));
    device.keys = [65, 'EAGAIN', 'EINTR', 66, 'EBADF', 'EIO', 'end'];
    expect([0, 0, 0, 1].map((at) => terminal.readByte(bytes, at))).toEqual([1, 0, 0, 1]);
    expect([...bytes]).toEqual([65, 66]);
    expect(() => terminal.readByte(bytes, 0)).toThrow('EBADF');
    expect(() => terminal.readByte(bytes, 0)).toThrow('hung up');
    expect(() => terminal.readByte(bytes, 0)).toThrow('hung up');
    terminal.close();
  });

  it('P07 is made raw anew after a stop, and forgets what was typed meanwhile', () => {
    const terminal = new Terminal();
    device.modes = [];
    expect(terminal.resume()).toBe(false);
    process.emit('SIGCONT', 'SIGCONT');
    device.keys = [65, 66];
    expect(terminal.resume()).toBe(true);
    expect([device.modes, device.keys]).toEqual([[false, true], []]);
    expect(terminal.resume()).toBe(false);
    process.emit('SIGCONT', 'SIGCONT');
    device.refusesRaw = true;
    expect(() => terminal.resume()).toThrow('ENOTTY');
    terminal.close();
    expect(process.listenerCount('SIGCONT')).toBe(0);
  });

  it('SEC10 is put back at a signal that would end the process, and leaves it to whoever listens', () => {
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
    const signals = ['SIGQUIT', 'SIGALRM', 'SIGUSR2', 'SIGXCPU', 'SIGABRT'] as const;
    for (const signal of signals) {
      const listens = vi.fn();
      process.on(signal, listens);
      const terminal = new Terminal();
      process.emit(signal, signal);
      expect([listens.mock.calls.length, device.raw, kill.mock.calls]).toEqual([1, true, []]);
      process.off(signal, listens);
      process.emit(signal, signal);
      expect([device.raw, kill.mock.calls]).toEqual([false, [[process.pid, signal]]]);
      kill.mockClear();
      terminal.close();
      expect(process.listenerCount(signal)).toBe(0);
    }
    kill.mockRestore();
  });

  it('that is not there, or has no raw mode, is an error with nothing left open', () => {
    const before = listeners();
    device.refusesRaw = true;
    expect(() => new Terminal()).toThrow('ENOTTY');
    device.there = false;
    expect(() => new Terminal()).toThrow(
      expect.objectContaining({ code: 'ERR_SECMEM_NOT_SUPPORTED', operation: 'fromTerminal' }),
    );
    expect([device.open.size, listeners() - before]).toEqual([0, 0]);
  });

  it('of Windows is not supported', () => {
    vi.stubGlobal('process', Object.create(process, { platform: { value: 'win32' } }));
    try {
      expect(() => new Terminal()).toThrow(
        expect.objectContaining({ code: 'ERR_SECMEM_NOT_SUPPORTED' }),
      );
    } finally {
      vi.unstubAllGlobals();
    }
    expect(device.open.size).toBe(0);
  });
});
