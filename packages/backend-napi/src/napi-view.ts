import type { View, ViewOutcome } from '@securemem/core/contract';
import type { Binding } from './binding.js';
import { Status } from './status.js';

/**
 * Taken from the prototypes when this module is loaded: revoking must not depend on what somebody puts on a prototype or
 * on the buffer itself later. An own `byteLength` or `transfer` on the buffer changes nothing here.
 */
const call = Function.prototype.call;
const uncurry = <Result>(method: unknown): ((self: unknown, ...rest: unknown[]) => Result) =>
  call.bind(method as never) as never;

const byteLengthOf = uncurry<number>(
  Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength')?.get,
);

/** Absent on Node 20. */
const transferMethod: unknown = (ArrayBuffer.prototype as { transfer?: unknown }).transfer;
const transfer = transferMethod === undefined ? undefined : uncurry<ArrayBuffer>(transferMethod);

/**
 * Takes a buffer back. Where the engine has `transfer`, that is the safe way: a buffer that somebody marked untransferable
 * makes it throw, while the native call aborts the whole process on Node 24 and later. On Node 20 the native call is safe.
 */
export function revoke(binding: Binding, buffer: ArrayBuffer): ViewOutcome {
  // We have held the buffer since it was made, and made it longer than 0: it was detached by somebody else.
  if (byteLengthOf(buffer) === 0) return 'escaped';
  if (transfer === undefined) {
    return binding.detach(buffer) === Status.ok && byteLengthOf(buffer) === 0 ? 'revoked' : 'stuck';
  }
  try {
    transfer(buffer, 0);
    return 'revoked';
  } catch {
    return 'stuck';
  }
}

/** A view over a part of a region, tracked by number in the addon until its last alias is garbage. */
export class NapiView implements View {
  readonly bytes: Uint8Array;
  readonly #binding: Binding;
  readonly #buffer: ArrayBuffer;
  readonly #number: number;
  #outcome: ViewOutcome | undefined;
  #aliasGone = false;

  constructor(binding: Binding, buffer: ArrayBuffer, number: number) {
    this.#binding = binding;
    this.#buffer = buffer;
    this.#number = number;
    this.bytes = new Uint8Array(buffer);
  }

  close(): ViewOutcome {
    if (this.#outcome !== undefined) return this.#outcome;
    const outcome = revoke(this.#binding, this.#buffer);
    this.#outcome = outcome;
    this.#binding.closeView(this.#number, outcome === 'revoked' ? 0 : 1);
    return outcome;
  }

  /**
   * Exact after `escaped`: the engine runs the finalizer of the memory when the last buffer over it is garbage, in whatever
   * thread that buffer was. After `stuck` this object itself holds the buffer, so the answer stays true while it lives.
   */
  aliasAlive(): boolean {
    if (this.#aliasGone || this.#outcome === 'revoked') return false;
    // An open view is its own alias, and its number is still in use.
    if (this.#outcome === undefined) return true;
    if (this.#binding.aliasAlive(this.#number) === 1) return true;
    this.#aliasGone = true;
    return false;
  }
}

/** A view of no bytes: nothing to revoke, nothing to escape. */
export class EmptyView implements View {
  readonly bytes = new Uint8Array(new ArrayBuffer(0));

  close(): ViewOutcome {
    return 'revoked';
  }

  aliasAlive(): boolean {
    return false;
  }
}
