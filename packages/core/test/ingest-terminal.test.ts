import { beforeEach, describe, expect, it, vi } from 'vitest';
import { open } from './fixture.js';

/** The keys that are typed, one byte each; `wait` is a moment without a key. */
type Key = number | 'wait' | Error;

/** What the one terminal of these tests sends, and what was done to it. */
const terminal = {
  keys: [] as Key[],
  written: '',
  opened: 0,
  closed: 0,
  onWait: (): void => {},
  resumed: false,
};

vi.mock('../src/ingest/terminal.js', () => ({
  Terminal: class {
    constructor() {
      terminal.opened++;
    }
    readByte(bytes: Uint8Array, byteOffset: number): 0 | 1 {
      const key = terminal.keys.shift() ?? 'wait';
      if (key instanceof Error) throw key;
      if (key !== 'wait') {
        bytes[byteOffset] = key;
        return 1;
      }
      terminal.onWait();
      return 0;
    }
    resume(): boolean {
      const { resumed } = terminal;
      terminal.resumed = false;
      return resumed;
    }
    write(text: string): void {
      terminal.written += text;
    }
    close(): void {
      terminal.closed++;
    }
  },
}));

const typed = (text: string): Key[] => [...Buffer.from(text, 'latin1')];

beforeEach(() => {
  Object.assign(terminal, { keys: [], written: '', opened: 0, closed: 0, onWait: () => {} });
});

describe('fromTerminal()', () => {
  it('takes a line as the secret, and leaves prompt and line feed on the terminal', async () => {
    const { memory } = open();
    terminal.keys = [...typed('cor'), 'wait', 'wait', ...typed('rect\r')];
    const secret = await memory.fromTerminal({ prompt: 'Password: ' });
    expect(Buffer.from(secret.exportCopy()).toString('latin1')).toBe('correct');
    expect(terminal).toMatchObject({ written: 'Password: \n', opened: 1, closed: 1 });
    secret.dispose();
  });

  it('P07 drops what was typed before a stop, and asks again', async () => {
    const { memory } = open();
    terminal.keys = [...typed('half \u001b['), 'wait', ...typed('whole\r')];
    terminal.onWait = () => {
      terminal.resumed = true;
    };
    const secret = await memory.fromTerminal({ prompt: 'Password: ' });
    expect(Buffer.from(secret.exportCopy()).toString('latin1')).toBe('whole');
    expect(terminal.written).toBe('Password: \nPassword: \n');
    secret.dispose();
  });

  it('takes a line that is as long as it may be, and refuses one byte more', async () => {
    const { memory } = open();
    terminal.keys = typed('12345678\r');
    const secret = await memory.fromTerminal({ byteLengthMax: 8 });
    expect(secret.byteLength).toBe(8);
    secret.dispose();
    terminal.keys = typed('123456789\r');
    await expect(memory.fromTerminal({ byteLengthMax: 8 })).rejects.toMatchObject({
      code: 'ERR_SECMEM_INPUT_INVALID',
      details: { reason: 'length' },
    });
    expect(terminal.closed).toBe(2);
    expect(memory.stats().secrets).toBe(0);
  });

  it('refuses an empty answer and the end of the input, and keeps nothing', async () => {
    const { memory } = open();
    terminal.keys = typed('\r');
    await expect(memory.fromTerminal()).rejects.toMatchObject({ details: { reason: 'empty' } });
    terminal.keys = typed('\u0004');
    await expect(memory.fromTerminal()).rejects.toMatchObject({
      code: 'ERR_SECMEM_INPUT_INVALID',
      operation: 'fromTerminal',
    });
    expect(memory.stats().secrets).toBe(0);
  });

  it('sends the interrupt that raw mode swallowed, and then says that there was no answer', async () => {
    const { memory } = open();
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
    terminal.keys = typed('half\u0003');
    await expect(memory.fromTerminal()).rejects.toMatchObject({
      details: { reason: 'interrupted' },
    });
    expect(kill.mock.calls).toEqual([[0, 'SIGINT']]);
    kill.mockRestore();
    expect(terminal.closed).toBe(1);
    expect(memory.stats().secrets).toBe(0);
  });

  it('gives the terminal back and wipes what was typed when nobody goes on', async () => {
    const { memory } = open();
    terminal.keys = typed('half');
    await expect(memory.fromTerminal({ answerMsMax: 0 })).rejects.toMatchObject({
      code: 'ERR_SECMEM_WAIT_TIMEOUT',
      details: { limit: 'wait', waitedMs: 0 },
    });
    expect(terminal.closed).toBe(1);
    expect(memory.stats().secrets).toBe(0);
  });

  it('ends at the signal, in the middle of a line', async () => {
    const { memory } = open();
    const abort = new AbortController();
    const reason = new Error('the window was closed');
    terminal.keys = typed('half');
    terminal.onWait = () => abort.abort(reason);
    await expect(memory.fromTerminal({ signal: abort.signal })).rejects.toBe(reason);
    expect(terminal.closed).toBe(1);
    await expect(memory.fromTerminal({ signal: abort.signal })).rejects.toBe(reason);
    expect(terminal.opened).toBe(1);
    expect(memory.stats().secrets).toBe(0);
  });

  it('gives the terminal back when it hangs up', async () => {
    const { memory } = open();
    const hangup = new Error('the terminal was hung up');
    terminal.keys = [...typed('half'), hangup];
    await expect(memory.fromTerminal()).rejects.toBe(hangup);
    expect(terminal.closed).toBe(1);
    expect(memory.stats().secrets).toBe(0);
  });

  it.each([
    [{ prompt: 7 }, TypeError],
    [{ byteLengthMax: 0 }, RangeError],
    [{ byteLengthMax: 4_097 }, RangeError],
    [{ answerMsMax: -1 }, RangeError],
  ])('refuses %j before it touches the terminal', async (options, kind) => {
    const { memory } = open();
    await expect(memory.fromTerminal(options as never)).rejects.toBeInstanceOf(kind);
    expect(terminal.opened).toBe(0);
    expect(memory.stats().secrets).toBe(0);
  });
});
