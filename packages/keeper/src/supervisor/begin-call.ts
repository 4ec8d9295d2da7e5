import { viewOfGiven } from '../channel/given-bytes.js';
import type { CompleteOptions } from '../complete-options.js';
import { Call } from './call.js';
import { type CallOptions, completeCallOptions } from './call-options.js';

const NOTHING = new Uint8Array(0);

/** Who takes calls: one keeper, or a pool of them. */
export interface CallTaker {
  readonly options: CompleteOptions;
  offers(operation: string): boolean;
  /** Takes a call, or throws what it is refused with. */
  accept(call: Call): void;
  /** Rejects a call with the reason of its signal. */
  abort(call: Call, reason: unknown): void;
}

/** Checks what a caller has given and hands it over: a promise that is settled exactly once. */
export function beginCall(
  taker: CallTaker,
  name: string,
  payload: Uint8Array = NOTHING,
  options?: CallOptions,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    if (typeof name !== 'string') throw new TypeError('call: name must be a string');
    const bytes = viewOfGiven(payload, 'call: payload', taker.options.payloadByteLengthMax);
    if (!taker.offers(name)) throw new RangeError(`call: no operation ${name}`);
    const complete = completeCallOptions(options, taker.options);
    if (complete.secret && bytes.length === 0) {
      throw new RangeError('call: a secret payload must have at least one byte');
    }
    const call = new Call(name, bytes, complete, resolve, reject);
    const { signal } = complete;
    try {
      if (signal?.aborted) throw signal.reason;
      taker.accept(call);
    } catch (error) {
      call.wipePayload();
      throw error;
    }
    if (signal !== undefined) call.listenTo(signal, () => taker.abort(call, signal.reason));
  });
}
