import { ownProperties } from '@securemem/core';
import { integer, MS_MAX, optionalSignal, refuseUnknown } from '../complete-options.js';

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
   * True where the payload is a secret: it arrives in secure memory as `context.secret`. `payload` is wiped before `call`
   * returns; the one copy that was made of it, off V8's heap, as soon as it was sent, or never will be. Default false.
   */
  readonly secret?: boolean;
  /**
   * The longest time that this call may take in the keeper, in milliseconds, and wait for one before: 1 to 2,147,483,647. A
   * keeper that exceeds it hangs and is killed, with all other calls in it. Default: that of `openKeeper`.
   */
  readonly callMsMax?: number;
}

/** The options of one call, read. */
export interface CompleteCallOptions {
  readonly signal: AbortSignal | undefined;
  readonly idempotent: boolean;
  readonly secret: boolean;
  readonly callMsMax: number;
}

const NAMES: Readonly<Record<keyof CallOptions, true>> = {
  signal: true,
  idempotent: true,
  secret: true,
  callMsMax: true,
};

/** Throws `TypeError` or `RangeError` for what is unknown, of a wrong type or out of range, or does not go together. */
export function completeCallOptions(
  options: CallOptions | undefined,
  defaults: { readonly callMsMax: number },
): CompleteCallOptions {
  const { callMsMax: msMax } = defaults;
  if (options === undefined) {
    return { signal: undefined, idempotent: false, secret: false, callMsMax: msMax };
  }
  const given = ownProperties(options, 'call: options');
  refuseUnknown('call', given, NAMES);
  const { idempotent = false, secret = false } = given;
  for (const [name, value] of Object.entries({ idempotent, secret })) {
    if (typeof value !== 'boolean') throw new TypeError(`call: ${name} must be a boolean`);
  }
  const signal = optionalSignal('call: signal', given.signal);
  if (secret && idempotent) {
    throw new TypeError('call: a secret payload is wiped once sent, so it cannot be repeated');
  }
  const callMsMax = integer('call: callMsMax', given.callMsMax ?? msMax, 1, MS_MAX);
  return { signal, idempotent, secret, callMsMax };
}
