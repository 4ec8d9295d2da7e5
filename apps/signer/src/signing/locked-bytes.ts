import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

const STATUS_BYTE_LENGTH_MAX = 8_192;

/**
 * What the kernel says this process has locked, sampled often enough for a peak to be true. It asks /proc itself instead
 * of the backend: a figure about the backend must not come from the backend.
 */
export class LockedBytes {
  readonly #descriptor: number | undefined;
  readonly #buffer = Buffer.alloc(STATUS_BYTE_LENGTH_MAX);
  #peak = 0;

  constructor() {
    try {
      this.#descriptor = openSync('/proc/self/status', 'r');
    } catch {
      // Another system than Linux: every figure is 0 and the report says which platform it was.
    }
  }

  get peak(): number {
    return this.#peak;
  }

  /** Bytes now, remembered when they are the most so far. About 6 µs. */
  sample(): number {
    if (this.#descriptor === undefined) return 0;
    const length = readSync(this.#descriptor, this.#buffer, 0, STATUS_BYTE_LENGTH_MAX, 0);
    const bytes = parseLocked(this.#buffer.toString('latin1', 0, length));
    if (bytes > this.#peak) this.#peak = bytes;
    return bytes;
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
  }
}

/** What another process has locked; 0 when it is gone. */
export function lockedBytesOf(pid: number): number {
  if (pid === 0) return 0;
  try {
    return parseLocked(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return 0;
  }
}

function parseLocked(status: string): number {
  return Number(/^VmLck:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1_024;
}
