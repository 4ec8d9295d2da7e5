import { zero } from '../contract/zero.js';

/**
 * In bytes. The first is small, since most stores are; the others large enough that the objects around a buffer do not
 * count, and small enough to be given back soon.
 */
const FIRST_CHUNK_BYTE_LENGTH = 16_384;
const CHUNK_BYTE_LENGTH = 262_144;
/** Bytes of notes on each slot. */
const NOTES_BYTE_LENGTH = 16;

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
  readonly #slotsOfFirst: number;
  readonly #slotsPerChunk: number;
  readonly #chunks: Chunk[] = [];
  #count = 0;

  constructor(slotByteLength: number) {
    this.slotByteLength = slotByteLength;
    this.#slotsOfFirst = Math.max(1, Math.floor(FIRST_CHUNK_BYTE_LENGTH / slotByteLength));
    this.#slotsPerChunk = Math.max(1, Math.floor(CHUNK_BYTE_LENGTH / slotByteLength));
  }

  /** Of all buffers, in bytes. */
  get byteLength(): number {
    let slots = 0;
    for (const { ids } of this.#chunks) slots += ids.length;
    return slots * (this.slotByteLength + NOTES_BYTE_LENGTH);
  }

  /** Adds a slot and returns its position. The bytes in it are zero. */
  add(id: number, byteLength: number): number {
    const position = this.#count;
    const at = this.#slotOf(position);
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
    const at = this.#slotOf(position);
    const start = at * this.slotByteLength;
    return bytes.subarray(start, start + (byteLengths[at] as number));
  }

  byteLengthAt(position: number): number {
    return this.#chunkOf(position).byteLengths[this.#slotOf(position)] as number;
  }

  counterAt(position: number): number {
    return this.#chunkOf(position).counters[this.#slotOf(position)] as number;
  }

  setCounter(position: number, counter: number): void {
    this.#chunkOf(position).counters[this.#slotOf(position)] = counter;
  }

  /** Takes a slot away and returns the id of the entry that lies there now, or undefined when it was the last one. */
  remove(position: number): number | undefined {
    const last = --this.#count;
    const from = this.#chunkOf(last);
    const lastAt = this.#slotOf(last);
    const lastStart = lastAt * this.slotByteLength;
    let moved: number | undefined;
    if (position !== last) {
      const to = this.#chunkOf(position);
      const at = this.#slotOf(position);
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
    else zero(from.bytes, lastStart, lastStart + this.slotByteLength);
    return moved;
  }

  #chunkOf(position: number): Chunk {
    const after = position - this.#slotsOfFirst;
    return this.#chunks[after < 0 ? 0 : 1 + Math.floor(after / this.#slotsPerChunk)] as Chunk;
  }

  #slotOf(position: number): number {
    const after = position - this.#slotsOfFirst;
    return after < 0 ? position : after % this.#slotsPerChunk;
  }

  #newChunk(): Chunk {
    const slots = this.#chunks.length === 0 ? this.#slotsOfFirst : this.#slotsPerChunk;
    return {
      bytes: new Uint8Array(new ArrayBuffer(slots * this.slotByteLength)),
      ids: new Uint32Array(slots),
      counters: new Float64Array(slots),
      byteLengths: new Uint32Array(slots),
    };
  }
}
