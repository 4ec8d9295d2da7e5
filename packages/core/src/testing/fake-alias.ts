/** Captured at import: a test may replace methods of ArrayBuffer to see what happens. */
const byteLengthOf = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength')?.get as (
  this: ArrayBuffer,
) => number;
const transfer = (
  ArrayBuffer.prototype as { transfer?: (this: ArrayBuffer, byteLength?: number) => ArrayBuffer }
).transfer;

/** A range of an alias, in bytes from its own beginning; `end` is exclusive. */
export interface ChangedRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Takes the memory away from a buffer of ordinary memory and returns it in a new one. Node 20 has no
 * `ArrayBuffer.prototype.transfer`, but there a structured clone moves ordinary buffers.
 */
export function moveBuffer(buffer: ArrayBuffer): ArrayBuffer {
  return transfer ? transfer.call(buffer) : structuredClone(buffer, { transfer: [buffer] });
}

/** One ArrayBuffer that stands for a range of a region, and what it held when it was last brought up to date. */
export class FakeAlias {
  readonly byteOffset: number;
  readonly byteLength: number;
  readonly buffer: ArrayBuffer;
  readonly #current: Uint8Array<ArrayBuffer>;
  readonly #known: Uint8Array<ArrayBuffer>;

  constructor(byteOffset: number, byteLength: number) {
    this.byteOffset = byteOffset;
    this.byteLength = byteLength;
    this.buffer = new ArrayBuffer(byteLength);
    this.#current = new Uint8Array(this.buffer);
    this.#known = new Uint8Array(new ArrayBuffer(byteLength));
  }

  /** Whether somebody took the memory away from the buffer. */
  get detached(): boolean {
    return this.byteLength > 0 && byteLengthOf.call(this.buffer) === 0;
  }

  /** The smallest range that covers everything written since the last refresh. */
  changedRange(): ChangedRange | undefined {
    if (this.detached || Buffer.compare(this.#current, this.#known) === 0) return undefined;
    let start = 0;
    while (this.#current[start] === this.#known[start]) start += 1;
    let end = this.byteLength;
    while (this.#current[end - 1] === this.#known[end - 1]) end -= 1;
    return { start, end };
  }

  /** Writes the changed bytes, and only those, into the store: others may belong to another alias. */
  drain(store: Uint8Array, changed: ChangedRange): void {
    for (let index = changed.start; index < changed.end; index += 1) {
      const byte = this.#current[index] as number;
      if (byte === this.#known[index]) continue;
      store[this.byteOffset + index] = byte;
      this.#known[index] = byte;
    }
  }

  /** Forgets what was written since the last refresh. */
  discard(): void {
    if (!this.detached) this.#current.set(this.#known);
  }

  /** Shows a range of the store, given in bytes of the region. */
  refresh(store: Uint8Array, byteOffset: number, byteLength: number): void {
    if (this.detached) return;
    const start = Math.max(byteOffset, this.byteOffset);
    const end = Math.min(byteOffset + byteLength, this.byteOffset + this.byteLength);
    if (start >= end) return;
    const content = store.subarray(start, end);
    this.#current.set(content, start - this.byteOffset);
    this.#known.set(content, start - this.byteOffset);
  }

  /** Overwrites all of it without the store knowing. */
  fill(byte: number): void {
    if (this.detached) return;
    this.#current.fill(byte);
    this.#known.fill(byte);
  }

  /** Detaches the buffer. The memory it gives up is wiped, as it is a copy that nobody else would wipe. */
  detach(): boolean {
    try {
      new Uint8Array(moveBuffer(this.buffer)).fill(0);
    } catch {
      return false;
    }
    this.#known.fill(0);
    return byteLengthOf.call(this.buffer) === 0;
  }
}
