import { type Allocator, type Lease, type Secret, SecureMemoryError } from '@securemem/core';

/**
 * A secret on its way in: its place is taken before the first byte is looked at, and the bytes go from the locked receive
 * buffer into it. Where there is no place, or the place was purged while the bytes came in, the rest is skipped and the call
 * fails with the reason, which is an ordinary error. It does not wait for a place: what would free one may be in the channel
 * behind it.
 */
export class IncomingSecret {
  readonly id: number;
  readonly index: number;
  readonly #secret: Secret | undefined;
  readonly #lease: Lease | undefined;
  #failure: unknown;
  #filled = 0;

  constructor(id: number, index: number, byteLength: number, memory: Allocator) {
    this.id = id;
    this.index = index;
    try {
      this.#secret = memory.allocateSync(byteLength);
      this.#lease = this.#secret.lend({ mode: 'write' });
    } catch (error) {
      this.#secret?.dispose();
      this.#failure = error;
    }
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    const at = this.#filled;
    this.#filled += end - start;
    if (this.#failure !== undefined) return;
    if (this.#secret?.disposed) {
      this.#failure = new SecureMemoryError(
        'ERR_SECMEM_DISPOSED',
        'the place of a secret was purged while it came in',
        { operation: 'call' },
      );
      return;
    }
    this.#lease?.bytes.set(bytes.subarray(start, end), at);
  }

  /** The secret, or why there is none. */
  finish(): { readonly secret: Secret } | { readonly failure: unknown } {
    this.#lease?.release();
    if (this.#failure === undefined && this.#secret !== undefined) return { secret: this.#secret };
    this.#secret?.dispose();
    return { failure: this.#failure };
  }
}
