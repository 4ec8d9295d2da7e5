/** What a caller may say about one call. */
export interface CallOptions {
  /** Gives up: the call rejects with `signal.reason` and is cancelled inside the keeper. */
  readonly signal?: AbortSignal;
  /**
   * True where carrying it out twice does no harm: after a restart it is sent again, once. All others reject with
   * `ERR_SECMEM_OUTCOME_UNKNOWN` when the keeper dies under them. Default false.
   */
  readonly idempotent?: boolean;
  /**
   * True where the payload is a secret: it arrives in secure memory as `context.secret`, no copy is made on the way, and
   * `payload` is wiped as soon as it was sent, or never will be. Default false.
   */
  readonly secret?: boolean;
}

/** One call from `keeper.call` to its one settlement. */
export class Call {
  readonly operation: string;
  readonly payload: Uint8Array;
  readonly idempotent: boolean;
  readonly secret: boolean;
  readonly startedAtMs = performance.now();
  /** The id under which the keeper knows it; 0 while it waits in the host. */
  id = 0;
  /** When it was sent, by the clock of `performance.now()`. */
  sentAtMs = 0;
  /** Sent again after a restart, which happens once. */
  replayed = false;
  /** True once its promise is settled; an aborted call stays in the keeper until that answers. */
  settled = false;
  readonly #resolve: (result: Uint8Array) => void;
  readonly #reject: (reason: unknown) => void;
  #signal: AbortSignal | undefined;
  #onAbort: (() => void) | undefined;
  #wiped = false;

  constructor(
    operation: string,
    payload: Uint8Array,
    options: CallOptions | undefined,
    resolve: (result: Uint8Array) => void,
    reject: (reason: unknown) => void,
  ) {
    this.operation = operation;
    this.payload = payload;
    this.idempotent = options?.idempotent ?? false;
    this.secret = options?.secret ?? false;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Runs `then` at most once, when the signal aborts before the call is settled. */
  listenTo(signal: AbortSignal, then: (call: Call) => void): void {
    this.#signal = signal;
    this.#onAbort = () => then(this);
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  resolve(result: Uint8Array): void {
    if (this.#settle()) this.#resolve(result);
  }

  reject(reason: unknown): void {
    if (this.#settle()) this.#reject(reason);
  }

  /** Wipes a secret payload; for others nothing happens. Idempotent. */
  wipePayload(): void {
    if (!this.secret || this.#wiped) return;
    this.#wiped = true;
    this.payload.fill(0);
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
