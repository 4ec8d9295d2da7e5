import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { SecureMemoryError } from '../contract/errors.js';
import { type Purgeable, registerForExit, unregisterForExit } from '../places/shutdown.js';
import { TerminalSignals } from './terminal-signals.js';

const PATH = '/dev/tty';

/**
 * The terminal of this process, with echo and line editing off from the constructor to `close`.
 *
 * Node's stream is there for its raw mode alone and never reads: it would read into buffers of its own. Raw mode belongs
 * to the terminal and not to a descriptor, so that our own, which never blocks, sees each key as it is typed. The mode is
 * put back by whatever ends the process and can run anything; after SIGKILL the terminal stays raw (`stty sane`).
 *
 * While the process is stopped the terminal is the shell's, which takes it back with echo. `resume` makes it ours again.
 */
export class Terminal implements Purgeable {
  readonly #input: number;
  readonly #output: number;
  readonly #mode: ReadStream;
  readonly #signals: TerminalSignals;
  #open = true;

  /** Throws `ERR_SECMEM_NOT_SUPPORTED` where there is no terminal, or no way to switch its echo off. */
  constructor() {
    const descriptors: number[] = [];
    try {
      const { O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK, O_NOCTTY } = constants;
      if (process.platform === 'win32') throw new Error('the console of Windows is not supported');
      descriptors.push(openSync(PATH, O_RDONLY | O_NONBLOCK | O_NOCTTY));
      descriptors.push(openSync(PATH, O_WRONLY | O_NOCTTY));
      descriptors.push(openSync(PATH, O_RDWR | O_NOCTTY));
      this.#input = descriptors[0] as number;
      this.#output = descriptors[1] as number;
      this.#mode = new ReadStream(descriptors[2] as number);
    } catch (cause) {
      for (const descriptor of descriptors) closeSync(descriptor);
      throw new SecureMemoryError('ERR_SECMEM_NOT_SUPPORTED', 'this process has no terminal', {
        operation: 'fromTerminal',
        cause,
      });
    }
    registerForExit(this);
    this.#signals = new TerminalSignals(() => this.purge());
    try {
      this.#mode.setRawMode(true);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** One byte to `byteOffset`, if one is there: 1, or 0 when nothing was typed yet. Throws at the end of the terminal. */
  readByte(bytes: Uint8Array, byteOffset: number): 0 | 1 {
    try {
      if (readSync(this.#input, bytes, byteOffset, 1, null) === 1) return 1;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EAGAIN' || code === 'EINTR') return 0;
      if (code !== 'EIO') throw error;
    }
    throw new Error('the terminal was hung up');
  }

  /**
   * True when the process had been stopped since the last call: echo is off again then, and what was typed meanwhile, which
   * the terminal may have shown, is thrown away. Throws what the terminal throws when it is not ours any more.
   */
  resume(): boolean {
    if (!this.#signals.takeContinued()) return false;
    // Off first: Node remembers that it is on, and would do nothing.
    this.#mode.setRawMode(false);
    this.#mode.setRawMode(true);
    const scratch = new Uint8Array(new ArrayBuffer(1));
    while (this.readByte(scratch, 0) === 1);
    scratch[0] = 0;
    return true;
  }

  write(text: string): void {
    writeSync(this.#output, text);
  }

  /** Puts the terminal back as it was. Idempotent, synchronous, and safe in an exit handler. */
  purge(): void {
    if (this.#open) this.#mode.setRawMode(false);
  }

  close(): void {
    if (!this.#open) return;
    try {
      this.purge();
    } finally {
      this.#open = false;
      unregisterForExit(this);
      this.#signals.close();
      this.#mode.destroy();
      closeSync(this.#input);
      closeSync(this.#output);
    }
  }
}
