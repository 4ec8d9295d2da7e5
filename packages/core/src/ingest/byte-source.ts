import { close, constants, fstat, open, openSync, read, readSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { throwIfAborted } from '../common/abort-signal.js';
import { within } from '../common/within.js';
import { SecureMemoryError } from '../contract/errors.js';
import { ownProperties } from '../contract/own-properties.js';
import { type Secret, withBytes } from '../secret/secret.js';

const stat = promisify(fstat);
const readInPool = promisify(read);
const closeFile = promisify(close);
const openFile = promisify(open);

/** Without a prototype, since Node reads further options through it. */
const AS_NUMBERS = ownProperties({ bigint: false } as const, 'options');

/** How often a source that has nothing yet is asked again: soon enough for a person, seldom enough to cost nothing. */
const POLL_MS = 10;
/** Absent on Windows, where nothing that can be opened by a path keeps a reader waiting. */
const UNBLOCKED = (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

/** How long a source may stay silent. */
export interface Patience {
  readonly operation: string;
  readonly signal: AbortSignal | undefined;
  /** Longest time without a byte, in milliseconds. */
  readonly waitMsMax: number;
}

interface Behaviour {
  /** Whether a read may keep its thread waiting in the system. */
  readonly blocking: boolean;
  /** Whether the descriptor is ours to close. */
  readonly owned: boolean;
  /** A named pipe that nobody has opened for writing yet looks as if it were at its end. */
  readonly awaitsWriter: boolean;
  /** Of the whole file; undefined where the system cannot say. */
  readonly byteLength: number | undefined;
}

/** Where bytes come from: a descriptor, read with no copy on the way. */
export class ByteSource {
  readonly byteLength: number | undefined;
  readonly #fd: number;
  readonly #blocking: boolean;
  readonly #owned: boolean;
  readonly #patience: Patience;
  #awaitsWriter: boolean;

  constructor(fd: number, behaviour: Behaviour, patience: Patience) {
    this.byteLength = behaviour.byteLength;
    this.#fd = fd;
    this.#blocking = behaviour.blocking;
    this.#owned = behaviour.owned;
    this.#awaitsWriter = behaviour.awaitsWriter;
    this.#patience = patience;
  }

  /**
   * Reads up to the end of the secret, beginning at `byteOffset`. 0 at the end of the input.
   *
   * A source that never blocks is read straight into the page. One that may is read by a thread of Node's pool into a
   * leased view: the program goes on, and the memory stays where it is until the system call has returned, however late.
   */
  readInto(secret: Secret, byteOffset: number): Promise<number> {
    if (!this.#blocking) {
      return this.#untilReady(() =>
        withBytes(secret, 'write', (bytes) =>
          readSync(this.#fd, bytes, byteOffset, bytes.length - byteOffset, null),
        ),
      );
    }
    return this.#untilReady(() => {
      const lease = secret.lend({ mode: 'write' });
      const reading = this.#readInPool(lease.bytes, byteOffset);
      return this.#inTime(reading.finally(() => lease.release()));
    });
  }

  /** One byte into `probe`, 0 at the end: tells the end of the input from the end of the room for it. */
  readByte(probe: Uint8Array): Promise<number> {
    if (this.#blocking) return this.#untilReady(() => this.#inTime(this.#readInPool(probe, 0)));
    return this.#untilReady(() => readSync(this.#fd, probe, 0, 1, null));
  }

  async close(): Promise<void> {
    if (this.#owned) await closeFile(this.#fd);
  }

  async #readInPool(bytes: Uint8Array, byteOffset: number): Promise<number> {
    const length = bytes.length - byteOffset;
    return (await readInPool(this.#fd, bytes, byteOffset, length, null)).bytesRead;
  }

  async #untilReady(attempt: () => number | Promise<number>): Promise<number> {
    const { signal, waitMsMax } = this.#patience;
    const since = performance.now();
    for (;;) {
      throwIfAborted(signal);
      try {
        const read = await attempt();
        if (read > 0) this.#awaitsWriter = false;
        if (!this.#awaitsWriter) return read;
      } catch (error) {
        if (!isNotReady(error)) throw error;
      }
      const leftMs = waitMsMax - (performance.now() - since);
      if (leftMs <= 0) throw this.#silence();
      await delay(Math.min(POLL_MS, leftMs));
    }
  }

  /** The read goes on when it takes too long; nobody waits for it any more. */
  #inTime(reading: Promise<number>): Promise<number> {
    const { waitMsMax } = this.#patience;
    return within(() => reading, { waitMsMax, timedOut: () => this.#silence() });
  }

  #silence(): SecureMemoryError {
    const { operation, waitMsMax } = this.#patience;
    return new SecureMemoryError(
      'ERR_SECMEM_WAIT_TIMEOUT',
      `${operation} waited ${waitMsMax} ms for input that did not come`,
      { operation, details: { limit: 'wait', waitedMs: waitMsMax } },
    );
  }
}

/** Opens a file, a named pipe or a device. Rejects with Node's own error, which names the path and the cause. */
export async function openPath(
  path: string | URL | Buffer,
  patience: Patience,
): Promise<ByteSource> {
  const fd = await openFile(path, constants.O_RDONLY | UNBLOCKED);
  try {
    const stats = await stat(fd, AS_NUMBERS);
    const byteLength = knownLength(stats);
    const awaitsWriter = stats.isFIFO();
    return new ByteSource(fd, { owned: true, blocking: false, awaitsWriter, byteLength }, patience);
  } catch (error) {
    await closeFile(fd);
    throw error;
  }
}

/**
 * The source behind a descriptor that the caller owns and keeps.
 *
 * A pipe or a terminal may keep a reader waiting, and a thread that waits in the system keeps `process.exit()` waiting
 * too. On Linux such a descriptor is therefore opened anew, as one that never blocks; the caller's stays as it is. A
 * socket cannot be opened anew, and neither can anything elsewhere: those occupy a thread of the pool.
 */
export async function openDescriptor(fd: number, patience: Patience): Promise<ByteSource> {
  const stats = await stat(fd, AS_NUMBERS);
  const byteLength = knownLength(stats);
  const behaviour = { awaitsWriter: false, byteLength };
  if (stats.isFile()) {
    return new ByteSource(fd, { ...behaviour, owned: false, blocking: false }, patience);
  }
  const anew = stats.isFIFO() || stats.isCharacterDevice() ? openAnew(fd) : undefined;
  const owned = anew !== undefined;
  return new ByteSource(anew ?? fd, { ...behaviour, owned, blocking: !owned }, patience);
}

function openAnew(fd: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | UNBLOCKED);
  } catch {
    return undefined;
  }
}

/** Files of the kernel say 0 and give what they have. */
function knownLength(stats: { isFile(): boolean; size: number }): number | undefined {
  return stats.isFile() && stats.size > 0 ? stats.size : undefined;
}

/** Nothing to read yet, or a signal came in between. */
function isNotReady(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === 'EAGAIN' || code === 'EWOULDBLOCK' || code === 'EINTR';
}
