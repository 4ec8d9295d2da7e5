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

/** A buffer over a part of a region, or the status that says why there is none; 0 for a range without bytes. */
export function openBuffer(
  binding: Binding,
  owner: number,
  region: number,
  byteOffset: number,
  byteLength: number,
): ArrayBuffer | number {
  // Only numbers may be stored where the addon reads: anything else would be converted, by code of its own perhaps.
  if (typeof byteOffset !== 'number' || typeof byteLength !== 'number') return Status.badType;
  const { numbers } = binding;
  numbers[0] = owner;
  numbers[1] = typeof region === 'number' ? region : Number.NaN;
  numbers[2] = byteOffset;
  numbers[3] = byteLength;
  return binding.openView();
}

/** What `closeView` of the addon answers about a buffer that somebody had transferred. */
const ESCAPED = 1;

function revoke(buffer: ArrayBuffer): ViewOutcome {
  // We have held the buffer since it was made, and made it longer than 0: it was detached by somebody else.
  if (byteLengthOf(buffer) === 0) return 'escaped';
  try {
    (transfer as NonNullable<typeof transfer>)(buffer, 0);
    return 'revoked';
  } catch {
    return 'stuck';
  }
}

/**
 * Takes the buffer of a view back and tells the addon what became of it; `lastView` has number and serial when it is made.
 *
 * Where the engine has `transfer`, that is the safe way: a buffer that somebody marked untransferable makes it throw, while
 * the native call aborts the whole process on Node 24 and later. On Node 20 the native call is safe.
 */
export function takeBack(
  binding: Binding,
  buffer: ArrayBuffer,
  number: number,
  serial: number,
): ViewOutcome {
  if (transfer === undefined) {
    binding.numbers[0] = number;
    binding.numbers[1] = serial;
    const kept = binding.closeView(buffer);
    if (kept === undefined) return 'revoked';
    return kept === ESCAPED ? 'escaped' : 'stuck';
  }
  const outcome = revoke(buffer);
  if (outcome !== 'revoked') binding.escapedView(number, serial);
  else if (number < binding.revokedNotes.length) binding.revokedNotes[number] = 1;
  else binding.revokedView(number, serial);
  return outcome;
}

/** A view over a part of a region, tracked by number in the addon until its last alias is garbage. */
export class NapiView implements View {
  readonly #binding: Binding;
  readonly #buffer: ArrayBuffer;
  readonly #number: number;
  readonly #serial: number;
  #bytes: Uint8Array | undefined;
  #outcome: ViewOutcome | undefined;

  constructor(binding: Binding, buffer: ArrayBuffer) {
    this.#binding = binding;
    this.#buffer = buffer;
    this.#number = binding.lastView[0] as number;
    this.#serial = binding.lastView[1] as number;
  }

  /** Made when it is first asked for. Of a closed view it has no bytes. */
  get bytes(): Uint8Array {
    this.#bytes ??=
      this.#outcome === undefined
        ? new Uint8Array(this.#buffer)
        : new Uint8Array(new ArrayBuffer(0));
    return this.#bytes;
  }

  close(): ViewOutcome {
    this.#outcome ??= takeBack(this.#binding, this.#buffer, this.#number, this.#serial);
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
