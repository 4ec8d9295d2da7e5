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
 * Writes frames, one system call for all frames of a turn. Payloads are copied into the batch at once, so the caller may
 * reuse them, unless they are too long for a batch or secret: those go out from where they are, and `whenWritten` says
 * when they may be touched.
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

  /** Appends a frame. `payload` must not change until it is written when it is longer than a batch. */
  write(kind: number, index: number, id: number, payload?: Uint8Array): void {
    if (this.#stopped) return;
    const payloadByteLength = payload === undefined ? 0 : payload.length;
    const wanted = HEADER_BYTE_LENGTH + payloadByteLength;
    if (wanted > BATCH_BYTE_LENGTH) {
      this.#appendHeader(kind, 0, index, id, payloadByteLength);
      this.flush();
      if (payload !== undefined) this.#send(payload);
      return;
    }
    if (this.#filled + wanted > BATCH_BYTE_LENGTH) this.flush();
    this.#appendHeader(kind, 0, index, id, payloadByteLength);
    if (payload !== undefined) this.#append(payload);
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
    this.#appendHeader(kind, flags, index, id, secret.length);
    this.flush();
    this.#send(secret, whenWritten);
  }

  /** Hands what was appended to the socket. Runs by itself at the end of the turn. */
  flush(): void {
    this.#scheduled = false;
    if (this.#filled === 0 || this.#stopped) return;
    const batch = this.#batch;
    const byteLength = this.#filled;
    this.#batch = this.#free.pop() ?? newBatch();
    this.#filled = 0;
    this.#send(batch.subarray(0, byteLength), () => {
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
  }

  #append(payload: Uint8Array): void {
    const batch = this.#batch;
    const byteLength = payload.length;
    if (byteLength > 64) {
      batch.set(payload, this.#filled);
    } else {
      const offset = this.#filled;
      for (let index = 0; index < byteLength; index++) {
        batch[offset + index] = payload[index] as number;
      }
    }
    this.#filled += byteLength;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(this.#flushNow);
  }

  #send(bytes: Uint8Array, whenWritten?: () => void): void {
    this.#outstanding += bytes.length;
    this.#socket.write(bytes, (error) => {
      if (error) this.stop();
      const wasBlocked = this.blocked;
      this.#outstanding -= bytes.length;
      whenWritten?.();
      if (wasBlocked && !this.blocked) this.#onDrain();
    });
  }
}

function newBatch(): Uint8Array {
  return new Uint8Array(new ArrayBuffer(BATCH_BYTE_LENGTH));
}
