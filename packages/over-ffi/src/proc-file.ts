import { closeSync, openSync, readSync } from 'node:fs';

/**
 * A file of `/proc` that is read again and again through one descriptor: 6 microseconds instead of 13 for opening it each
 * time. The descriptor is opened at the first read and opened with O_CLOEXEC, as Node does for all. Where the file cannot
 * be read (no `/proc`, no descriptors left) the answer is undefined.
 */
export class ProcFile {
  readonly #path: string;
  readonly #buffer: Buffer;
  #descriptor: number | undefined;

  constructor(path: string, byteLengthMax: number) {
    this.#path = path;
    this.#buffer = Buffer.alloc(byteLengthMax); // Unlike allocUnsafe this never takes from the shared pool.
  }

  read(): string | undefined {
    try {
      this.#descriptor ??= openSync(this.#path, 'r');
      const length = readSync(this.#descriptor, this.#buffer, 0, this.#buffer.byteLength, 0);
      return this.#buffer.toString('latin1', 0, length);
    } catch {
      return undefined;
    }
  }

  close(): void {
    if (this.#descriptor === undefined) return;
    closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}
