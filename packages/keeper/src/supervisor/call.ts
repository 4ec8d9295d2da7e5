import { ownProperties, zero } from '@securemem/core';
import { ownCopy } from '../channel/given-bytes.js';
import type { CompleteCallOptions } from './call-options.js';

/** One call from `keeper.call` to its one settlement. */
export class Call {
  readonly operation: string;
  readonly idempotent: boolean;
  readonly secret: boolean;
  /** How long it may be in the keeper, and how long it may wait in the host. */
  readonly callMsMax: number;
  /** The id under which the keeper knows it; 0 while it waits in the host. */
  id = 0;
  /** When it has waited too long where it is now, in the keeper or in the host, by the clock of what is heard. */
  deadlineMs = 0;
  /** When it began to wait in the host, by `performance.now()`. */
  queuedAtMs = 0;
  /** The crash after which it waits to be sent again, which happens once. */
  replayedAfter: Error | undefined;
  /** True once its promise is settled; an aborted call stays in the keeper until that answers. */
  settled = false;
  readonly #resolve: (result: Uint8Array) => void;
  readonly #reject: (reason: unknown) => void;
  #payload: Uint8Array;
  #owned = false;
  #signal: AbortSignal | undefined;
  #onAbort: (() => void) | undefined;

  /** `payload` is a view of the caller's bytes: good for this step, and for a later one after `ownPayload`. */
  constructor(
    operation: string,
    payload: Uint8Array,
    options: CompleteCallOptions,
    resolve: (result: Uint8Array) => void,
    reject: (reason: unknown) => void,
  ) {
    this.operation = operation;
    this.idempotent = options.idempotent;
    this.secret = options.secret;
    this.callMsMax = options.callMsMax;
    this.#payload = payload;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  get payload(): Uint8Array {
    return this.#payload;
  }

  /**
   * Makes the bytes its own, because they are needed after the caller has got its array back. Those of a secret are wiped
   * where they were. Idempotent.
   */
  ownPayload(): void {
    if (this.#owned) return;
    this.#owned = true;
    const given = this.#payload;
    this.#payload = ownCopy(given);
    if (this.secret) zero(given);
  }

  /** Runs `then` at most once, when the signal aborts before the call is settled. */
  listenTo(signal: AbortSignal, then: (call: Call) => void): void {
    this.#signal = signal;
    this.#onAbort = () => then(this);
    signal.addEventListener('abort', this.#onAbort, ownProperties({ once: true }, 'options'));
  }

  resolve(result: Uint8Array): void {
    if (this.#settle()) this.#resolve(result);
  }

  reject(reason: unknown): void {
    if (this.#settle()) this.#reject(reason);
  }

  /** Wipes a secret payload, the caller's or the copy of it; for others nothing happens. Idempotent. */
  wipePayload(): void {
    if (this.secret) zero(this.#payload);
  }

  #settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#onAbort = undefined;
    this.#signal = undefined;
    return true;
  }
}
