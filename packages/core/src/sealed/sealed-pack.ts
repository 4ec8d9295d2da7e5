/** In bytes: large enough that the objects around a buffer do not count, small enough to be given back soon. */
const CHUNK_BYTE_LENGTH = 262_144;

/** Some slots of one size, and what is known of each. */
interface Chunk {
  readonly bytes: Uint8Array;
  /** Which entry lies in the slot. */
  readonly ids: Uint32Array;
  /** The number of the seal that made the ciphertext. */
  readonly counters: Float64Array;
  /** Bytes of ciphertext and tag. */
  readonly byteLengths: Uint32Array;
}

/**
 * Ciphertexts of one size class in ordinary memory: slots side by side in large buffers, with no object for each.
 *
 * It is dense at any time. A slot that goes is filled with the last one, so that memory is given back as entries go, in
 * whatever order they do, and nothing has ever to be searched or compacted.
 */
export class SealedPack {
  readonly slotByteLength: number;
  readonly #slotsPerChunk: number;
  readonly #chunks: Chunk[] = [];
  #count = 0;

  constructor(slotByteLength: number) {
    this.slotByteLength = slotByteLength;
    this.#slotsPerChunk = Math.max(1, Math.floor(CHUNK_BYTE_LENGTH / slotByteLength));
  }

  /** Of all buffers, in bytes. */
  get byteLength(): number {
    const perSlot = this.slotByteLength + 16;
    return this.#chunks.length * this.#slotsPerChunk * perSlot;
  }

  /** Adds a slot and returns its position. The bytes in it are zero. */
  add(id: number, byteLength: number): number {
    const position = this.#count;
    const at = position % this.#slotsPerChunk;
    if (at === 0) this.#chunks.push(this.#newChunk());
    const chunk = this.#chunkOf(position);
    chunk.ids[at] = id;
    chunk.byteLengths[at] = byteLength;
    this.#count++;
    return position;
  }

  /** The ciphertext and tag of a slot, in place. */
  bytesAt(position: number): Uint8Array {
    const { bytes, byteLengths } = this.#chunkOf(position);
    const at = position % this.#slotsPerChunk;
    const start = at * this.slotByteLength;
    return bytes.subarray(start, start + (byteLengths[at] as number));
  }

  byteLengthAt(position: number): number {
    return this.#chunkOf(position).byteLengths[position % this.#slotsPerChunk] as number;
  }

  counterAt(position: number): number {
    return this.#chunkOf(position).counters[position % this.#slotsPerChunk] as number;
  }

  setCounter(position: number, counter: number): void {
    this.#chunkOf(position).counters[position % this.#slotsPerChunk] = counter;
  }

  /** Takes a slot away and returns the id of the entry that lies there now, or undefined when it was the last one. */
  remove(position: number): number | undefined {
    const last = --this.#count;
    const from = this.#chunkOf(last);
    const lastAt = last % this.#slotsPerChunk;
    const lastStart = lastAt * this.slotByteLength;
    let moved: number | undefined;
    if (position !== last) {
      const to = this.#chunkOf(position);
      const at = position % this.#slotsPerChunk;
      moved = from.ids[lastAt] as number;
      to.bytes.set(
        from.bytes.subarray(lastStart, lastStart + this.slotByteLength),
        at * this.slotByteLength,
      );
      to.ids[at] = moved;
      to.counters[at] = from.counters[lastAt] as number;
      to.byteLengths[at] = from.byteLengths[lastAt] as number;
    }
    if (lastAt === 0) this.#chunks.pop();
    else from.bytes.fill(0, lastStart, lastStart + this.slotByteLength);
    return moved;
  }

  #chunkOf(position: number): Chunk {
    return this.#chunks[Math.floor(position / this.#slotsPerChunk)] as Chunk;
  }

  #newChunk(): Chunk {
    const slots = this.#slotsPerChunk;
    return {
      bytes: new Uint8Array(new ArrayBuffer(slots * this.slotByteLength)),
      ids: new Uint32Array(slots),
      counters: new Float64Array(slots),
      byteLengths: new Uint32Array(slots),
    };
  }
}
