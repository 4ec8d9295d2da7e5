import type { Allocator, Lease, Secret } from '@securemem/core';

/**
 * A secret on its way in: its place is taken before the first byte is looked at, and the bytes go from the locked receive
 * buffer into it. Where there is no place the bytes are skipped and the call fails with the reason, which is an ordinary
 * error. It does not wait for a place: what would free one may be in the channel behind it.
 */
export class IncomingSecret {
  readonly id: number;
  readonly index: number;
  readonly failure: unknown;
  readonly #secret: Secret | undefined;
  readonly #lease: Lease | undefined;
  #filled = 0;

  constructor(id: number, index: number, byteLength: number, memory: Allocator) {
    this.id = id;
    this.index = index;
    try {
      this.#secret = memory.allocateSync(byteLength);
      this.#lease = this.#secret.lend({ mode: 'write' });
    } catch (error) {
      this.#secret?.dispose();
      this.#secret = undefined;
      this.failure = error;
    }
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    this.#lease?.bytes.set(bytes.subarray(start, end), this.#filled);
    this.#filled += end - start;
  }

  finish(): Secret | undefined {
    this.#lease?.release();
    return this.#secret;
  }
}
