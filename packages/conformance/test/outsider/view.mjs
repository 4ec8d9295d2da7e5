/** A view that can be taken back, with functions that are kept from the import on. */
const { transfer } = /** @type {{ transfer?: (byteLength: number) => ArrayBuffer }} */ (
  ArrayBuffer.prototype
);
const lengthOf = /** @type {(this: ArrayBuffer) => number} */ (
  Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength')?.get
);

/** Node 20 has no transfer; there a byte stream takes what is put into it. @param {ArrayBuffer} buffer */
function detach(buffer) {
  if (transfer !== undefined) return void transfer.call(buffer, 0);
  new ReadableStream({
    type: 'bytes',
    start: (controller) => controller.enqueue(new Uint8Array(buffer)),
  });
}

export class View {
  bytes;
  #buffer;
  #empty;
  #closed;
  /** @type {import('@securemem/core/contract').ViewOutcome | undefined} */
  #outcome;

  /** @param {Uint8Array<ArrayBuffer>} bytes @param {() => void} closed */
  constructor(bytes, closed) {
    this.bytes = bytes;
    this.#buffer = bytes.buffer;
    this.#empty = bytes.length === 0;
    this.#closed = closed;
  }

  close() {
    this.#outcome ??= this.#revoke();
    return this.#outcome;
  }

  aliasAlive() {
    if (this.#outcome === undefined) return true;
    return this.#outcome === 'revoked' ? false : /** @type {const} */ ('unknown');
  }

  #revoke() {
    if (this.#empty) return /** @type {const} */ ('revoked');
    if (lengthOf.call(this.#buffer) === 0) return /** @type {const} */ ('escaped');
    try {
      detach(this.#buffer);
    } catch {
      // The length says what came of it.
    }
    if (lengthOf.call(this.#buffer) > 0) return /** @type {const} */ ('stuck');
    this.#closed();
    return /** @type {const} */ ('revoked');
  }
}
