import { makeHandles, REDACTED, toJSON } from '../common/redaction.js';
import type { Access } from '../places/access.js';

/** The lease of an access that was just opened; `onRelease` is called once it has ended. */
export let leaseOf: (access: Access, onRelease: () => void) => Lease;

/**
 * A view kept open across an await: the one way to hold the bytes of a secret longer than a call.
 *
 * As long as it is held the bytes stay where they are: disposing the secret, the end of its phase and `close()` of the
 * allocator wait for it. `release()` makes every view of `bytes` zero bytes long.
 */
export class Lease implements Disposable {
  /** See `redaction.ts`: shows a redaction in JSON, and makes cloning and posting throw. */
  readonly toJSON: () => string = toJSON;
  readonly #access: Access;
  readonly #onRelease: () => void;

  static {
    makeHandles(Lease.prototype, 'a lease', 'Lease');
    leaseOf = (access, onRelease) => new Lease(access, onRelease);
  }

  private constructor(access: Access, onRelease: () => void) {
    this.#access = access;
    this.#onRelease = onRelease;
  }

  /** The bytes of the secret; length 0 after the release. A purge zeroes them. */
  get bytes(): Uint8Array {
    return this.#access.bytes;
  }

  /**
   * Gives the view back. Idempotent. Throws `ERR_SECMEM_VIEW_ESCAPED` when the buffer was transferred or cannot be
   * detached: the secret is wiped and its slot out of use then. Of a lent copy nothing but the copy is lost.
   */
  release(): void {
    try {
      this.#access.close();
    } finally {
      this.#onRelease();
    }
  }

  [Symbol.dispose](): void {
    this.release();
  }

  toString(): string {
    return REDACTED;
  }
}
