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

/** Tells the addon what became of a view; `lastView` has its number and serial when it was made. */
export function settle(
  binding: Binding,
  number: number,
  serial: number,
  outcome: ViewOutcome,
): ViewOutcome {
  if (outcome !== 'revoked') binding.escapedView(number, serial);
  else if (number < binding.revokedNotes.length) binding.revokedNotes[number] = 1;
  else binding.revokedView(number, serial);
  return outcome;
}

/** A view over a part of a region, tracked by number in the addon until its last alias is garbage. */
export class NapiView implements View {
  readonly bytes: Uint8Array;
  readonly #binding: Binding;
  readonly #buffer: ArrayBuffer;
  readonly #number: number;
  readonly #serial: number;
  #outcome: ViewOutcome | undefined;

  constructor(binding: Binding, buffer: ArrayBuffer) {
    this.#binding = binding;
    this.#buffer = buffer;
    this.#number = binding.lastView[0] as number;
    this.#serial = binding.lastView[1] as number;
    this.bytes = new Uint8Array(buffer);
  }

  close(): ViewOutcome {
    this.#outcome ??= settle(
      this.#binding,
      this.#number,
      this.#serial,
      revoke(this.#binding, this.#buffer),
    );
    return this.#outcome;
  }

  /**
   * Exact after `escaped`: the engine runs the finalizer of the memory when the last buffer over it is garbage, in whatever
   * thread that buffer was. After `stuck` this object itself holds the buffer, so the answer stays true while it lives.
   */
  aliasAlive(): boolean {
    if (this.#outcome === 'revoked') return false;
    // An open view is its own alias.
    if (this.#outcome === undefined) return true;
    return this.#binding.aliasAlive(this.#number, this.#serial) === 1;
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
