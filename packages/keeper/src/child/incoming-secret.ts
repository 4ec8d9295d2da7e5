import { type Lease, type Secret, SecureMemoryError } from '@securemem/core';
import type { OpenCall } from './open-call.js';

/**
 * A secret on its way in: its place is taken before the first byte is looked at, and the bytes go from the locked receive buffer into
 * it. Where there is no place, or the place was purged while the bytes came in, the rest is skipped and the call fails with the reason,
 * which is an ordinary error.
 */
export class IncomingSecret {
  readonly call: OpenCall;
  readonly #secret: Secret | undefined;
  readonly #lease: Lease | undefined;
  #failure: unknown;
  #filled = 0;

  /** `place` is there, or is taken now. */
  constructor(call: OpenCall, place: Secret | (() => Secret)) {
    this.call = call;
    try {
      this.#secret = typeof place === 'function' ? place() : place;
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
