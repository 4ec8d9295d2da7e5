import { ReadableByteStreamController, ReadableStream } from 'node:stream/web';
import type { View, ViewOutcome } from '@securemem/core/contract';

/**
 * Views that can be taken back.
 *
 * An ArrayBuffer over our page is revoked by detaching it, which empties every typed array over it. What is used to detach
 * is taken from the prototypes when this module is loaded, and the buffer is the one that we made, never the one that
 * `bytes.buffer` says: a holder can freeze it, hang an own `byteLength` or `transfer` on it, or patch the prototypes.
 *
 * - Node 22 and later have `ArrayBuffer.prototype.transfer`. `transfer(0)` detaches and makes no alias. It throws where the
 *   holder called `markAsUntransferable` (Node 24 and later); `napi_detach_arraybuffer` would abort the process there.
 * - Node 20 has no `transfer`, and its `structuredClone` with a transfer list copies an external buffer to the heap without
 *   detaching it. Enqueueing on a byte stream detaches; the alias that results lies in a queue that nobody can reach.
 */
type Transfer = (this: ArrayBuffer, byteLength: number) => ArrayBuffer;

const transfer = (ArrayBuffer.prototype as { transfer?: Transfer }).transfer;
const byteLengthOf = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength')?.get as (
  this: ArrayBuffer,
) => number;

/** Enqueues on one stream before it is dropped with the aliases in its queue; a fresh stream each time costs 6 times more. */
const STREAM_DETACHES_MAX = 256;

const enqueue = transfer === undefined ? ReadableByteStreamController.prototype.enqueue : undefined;
let streamController: ReadableByteStreamController | undefined;
let streamDetaches = 0;

function detachByStream(buffer: ArrayBuffer): void {
  if (streamController === undefined || streamDetaches === STREAM_DETACHES_MAX) {
    streamDetaches = 0;
    new ReadableStream({
      type: 'bytes',
      start(controller) {
        streamController = controller;
      },
    });
  }
  streamDetaches += 1;
  enqueue?.call(streamController, new Uint8Array(buffer));
}

/** Detaches a buffer that has at least one byte, and says what had become of it. Never throws. */
export function revoke(buffer: ArrayBuffer): ViewOutcome {
  if (byteLengthOf.call(buffer) === 0) return 'escaped'; // Somebody transferred it: an alias may live.
  try {
    if (transfer === undefined) detachByStream(buffer);
    else transfer.call(buffer, 0);
  } catch {
    // The outcome is read from the buffer, not from the exception.
  }
  return byteLengthOf.call(buffer) === 0 ? 'revoked' : 'stuck';
}

/** Whatever counts the views that hold a region: see `Region.viewsHeld`. */
export interface ViewHolder {
  viewsHeld: number;
}

/** A view over a part of a region. No FFI has a finalizer, so nobody learns when an escaped alias is garbage. */
export class RevocableView implements View {
  readonly bytes: Uint8Array;
  #buffer: ArrayBuffer | undefined;
  readonly #holder: ViewHolder;
  #outcome: ViewOutcome | undefined;

  /** `buffer` has at least one byte and is known to nobody else. */
  constructor(buffer: ArrayBuffer, holder: ViewHolder) {
    this.bytes = new Uint8Array(buffer);
    this.#buffer = buffer;
    this.#holder = holder;
    holder.viewsHeld += 1;
  }

  close(): ViewOutcome {
    if (this.#buffer === undefined) return this.#outcome as ViewOutcome;
    this.#outcome = revoke(this.#buffer);
    this.#buffer = undefined;
    if (this.#outcome === 'revoked') this.#holder.viewsHeld -= 1;
    return this.#outcome;
  }

  aliasAlive(): boolean | 'unknown' {
    if (this.#outcome === undefined) return true;
    return this.#outcome === 'revoked' ? false : 'unknown';
  }
}

/** The view of no bytes: there is nothing to revoke and nothing that could escape. */
export class EmptyView implements View {
  readonly bytes = new Uint8Array(new ArrayBuffer(0));

  close(): ViewOutcome {
    return 'revoked';
  }

  aliasAlive(): boolean {
    return false;
  }
}
