import type { PendingSignature } from '@securemem/core/contract';
import type { Binding } from './binding.js';
import { failure } from './failure.js';
import { Status } from './status.js';

const OPERATION = 'signLater';

/** A signature that a thread of the runtime's pool calculates. */
export class NapiPendingSignature implements PendingSignature {
  /** Rejects as `sign` throws, and with `ERR_SECMEM_DISPOSED` when the key went before it was read. */
  readonly signature: Promise<Uint8Array>;
  readonly #binding: Binding;
  readonly #ticket: number;
  #reject: (reason: Error) => void = () => {};

  constructor(binding: Binding, answer: Promise<Uint8Array | number>, ticket: number) {
    this.#binding = binding;
    this.#ticket = ticket;
    this.signature = new Promise((resolve, reject) => {
      this.#reject = reject;
      answer.then((found) => {
        if (typeof found !== 'number') resolve(found);
        else reject(failure(binding, found, OPERATION));
      }, reject);
    });
  }

  /**
   * After this the key is not read any more: a signature that has not begun rejects, at once, and one that has begun goes on from
   * numbers of its own. Waits for one reading of a key at the most.
   */
  revoke(): void {
    if (this.#binding.revokeSignature(this.#ticket) === 0) return;
    this.#reject(failure(this.#binding, Status.disposed, OPERATION));
  }
}
