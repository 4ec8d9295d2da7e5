import type { Writable } from 'node:stream';
import { HEADER_BYTE_LENGTH, writeU32 } from './frame.js';

/** Frames of one turn of the event loop leave in one write, up to this many bytes. */
const BATCH_BYTE_LENGTH = 64 * 1024;

/** Written batches that are kept for reuse; more are left to the collector. */
const FREE_BATCHES_MAX = 4;

/**
 * Bytes handed to the socket and not yet taken by the kernel, beyond which the writer asks its owner to wait. A few
 * batches: enough to keep the socket busy, little enough to notice at once that the other end does not read.
 */
const OUTSTANDING_BYTE_LENGTH_MAX = 256 * 1024;

/**
 * Writes frames, one system call for all frames of a turn. Payloads are copied at once, long ones over as many batches as
 * they need, so what is sent is what was given, whatever becomes of the caller's array afterwards. Its length is taken
 * once, too: an array that is transferred away has none any more. Secrets are not copied: they go out from where they are,
 * in memory that belongs to the call, and `whenWritten` says when it may be wiped.
 *
 * Errors of the socket are the owner's concern: it listens to the socket itself. After `stop` everything is dropped.
 */
export class FrameWriter {
  readonly #socket: Writable;
  readonly #generation: number;
  readonly #onDrain: () => void;
  readonly #flushNow = (): void => this.flush();
  #batch = newBatch();
  #filled = 0;
  #scheduled = false;
  #outstanding = 0;
  #stopped = false;
  readonly #free: Uint8Array[] = [];

  constructor(socket: Writable, generation: number, onDrain: () => void) {
    this.#socket = socket;
    this.#generation = generation;
    this.#onDrain = onDrain;
  }

  /**
   * True while the other end is slow: what is written now only piles up, and `onDrain` follows. True for ever once the
   * socket has failed: what is written now would never arrive.
   */
  get blocked(): boolean {
    return this.#stopped || this.#outstanding >= OUTSTANDING_BYTE_LENGTH_MAX;
  }

  /** Appends a frame with a copy of `payload`. */
  write(kind: number, index: number, id: number, payload?: Uint8Array): void {
    if (this.#stopped) return;
    const byteLength = payload === undefined ? 0 : payload.length;
    const wanted = HEADER_BYTE_LENGTH + byteLength;
    // A frame that fits into a batch stays in one piece: then the other end need not put it together.
    if (wanted <= BATCH_BYTE_LENGTH && this.#filled + wanted > BATCH_BYTE_LENGTH) this.flush();
    this.#appendHeader(kind, 0, index, id, byteLength);
    if (payload !== undefined) this.#append(payload, byteLength);
    this.#schedule();
  }

  /**
   * Writes a frame whose payload is secret: no copy of it is made here. `whenWritten` runs once, when the kernel has
   * taken all of it or never will.
   */
  writeSecret(
    kind: number,
    flags: number,
    index: number,
    id: number,
    secret: Uint8Array,
    whenWritten: () => void,
  ): void {
    if (this.#stopped) {
      whenWritten();
      return;
    }
    const byteLength = secret.length;
    this.#appendHeader(kind, flags, index, id, byteLength);
    this.flush();
    this.#outstanding += byteLength;
    this.#send(secret, byteLength, whenWritten);
  }

  /** Hands what was appended to the socket. Runs by itself at the end of the turn. */
  flush(): void {
    this.#scheduled = false;
    if (this.#filled === 0 || this.#stopped) return;
    const batch = this.#batch;
    const byteLength = this.#filled;
    this.#batch = this.#free.pop() ?? newBatch();
    this.#filled = 0;
    this.#send(batch.subarray(0, byteLength), byteLength, () => {
      if (this.#free.length < FREE_BATCHES_MAX) this.#free.push(batch);
    });
  }

  /** Drops everything from now on. */
  stop(): void {
    this.#stopped = true;
    this.#filled = 0;
  }

  #appendHeader(
    kind: number,
    flags: number,
    index: number,
    id: number,
    bodyByteLength: number,
  ): void {
    if (this.#filled + HEADER_BYTE_LENGTH > BATCH_BYTE_LENGTH) this.flush();
    const batch = this.#batch;
    const offset = this.#filled;
    writeU32(batch, offset, bodyByteLength);
    batch[offset + 4] = kind;
    batch[offset + 5] = flags;
    batch[offset + 6] = index;
    batch[offset + 7] = index >>> 8;
    writeU32(batch, offset + 8, this.#generation);
    writeU32(batch, offset + 12, id);
    this.#filled = offset + HEADER_BYTE_LENGTH;
    this.#outstanding += HEADER_BYTE_LENGTH;
  }

  #append(payload: Uint8Array, byteLength: number): void {
    this.#outstanding += byteLength;
    if (byteLength <= 64) {
      const batch = this.#batch;
      const offset = this.#filled;
      for (let index = 0; index < byteLength; index++) {
        batch[offset + index] = payload[index] as number;
      }
      this.#filled += byteLength;
      return;
    }
    for (let start = 0; start < byteLength; ) {
      if (this.#filled === BATCH_BYTE_LENGTH) this.flush();
      const end = Math.min(byteLength, start + BATCH_BYTE_LENGTH - this.#filled);
      this.#batch.set(payload.subarray(start, end), this.#filled);
      this.#filled += end - start;
      start = end;
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(this.#flushNow);
  }

  /** `byteLength` is that of `bytes` now: when they are written they may have none any more. */
  #send(bytes: Uint8Array, byteLength: number, whenWritten: () => void): void {
    this.#socket.write(bytes, (error) => {
      if (error) this.stop();
      const wasBlocked = this.blocked;
      this.#outstanding -= byteLength;
      whenWritten();
      if (wasBlocked && !this.blocked) this.#onDrain();
    });
  }
}

function newBatch(): Uint8Array {
  return new Uint8Array(new ArrayBuffer(BATCH_BYTE_LENGTH));
}
