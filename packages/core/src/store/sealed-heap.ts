import { SealedPack } from './sealed-pack.js';

/** Most ciphertexts at a time: what one `Map` of V8 takes. */
export const ENTRIES_MAX = 16_777_215;

/** Below, size classes are this far apart, in bytes; above, eight to a doubling. */
const FINE_STEP_BYTE_LENGTH = 16;
const FINE_BYTE_LENGTH_MAX = 1_024;
const FINE_CLASSES = FINE_BYTE_LENGTH_MAX / FINE_STEP_BYTE_LENGTH;
const CLASSES_PER_DOUBLING = 8;

/** A location is a class and a position in its pack, in one word. */
const POSITION_BITS = 24;
const POSITIONS = 2 ** POSITION_BITS;
const FIRST_IDS = 1_024;

/**
 * Ciphertexts in ordinary memory, each found by a small number that stays the same while it moves. An entry costs its
 * size, rounded up to 16 bytes, and 20 bytes of notes.
 */
export class SealedHeap {
  readonly #packs: (SealedPack | undefined)[] = [];
  /** Where each entry lies; for a free id, the next free one. */
  #locations = new Uint32Array(FIRST_IDS);
  #idsUsed = 0;
  #freeId = -1;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Of all buffers, in bytes, without the index of names. */
  get byteLength(): number {
    let total = this.#locations.byteLength;
    for (const pack of this.#packs) total += pack?.byteLength ?? 0;
    return total;
  }

  /** Adds an entry of `byteLength` zero bytes, and returns its id. Precondition: fewer than `ENTRIES_MAX` entries. */
  add(byteLength: number): number {
    const classIndex = classOf(byteLength);
    const pack = this.#packAt(classIndex);
    const id = this.#takeId();
    try {
      this.#locations[id] = classIndex * POSITIONS + pack.add(id, byteLength);
    } catch (error) {
      this.#freeIdUp(id);
      throw error; // No memory for another buffer.
    }
    this.#count++;
    return id;
  }

  /** Ciphertext and tag, in place; valid until an entry is removed. */
  bytesOf(id: number): Uint8Array {
    const location = this.#locationOf(id);
    return this.#packOf(location).bytesAt(location % POSITIONS);
  }

  byteLengthOf(id: number): number {
    const location = this.#locationOf(id);
    return this.#packOf(location).byteLengthAt(location % POSITIONS);
  }

  counterOf(id: number): number {
    const location = this.#locationOf(id);
    return this.#packOf(location).counterAt(location % POSITIONS);
  }

  setCounter(id: number, counter: number): void {
    const location = this.#locationOf(id);
    this.#packOf(location).setCounter(location % POSITIONS, counter);
  }

  remove(id: number): void {
    const location = this.#locationOf(id);
    const moved = this.#packOf(location).remove(location % POSITIONS);
    if (moved !== undefined) this.#locations[moved] = location;
    this.#count--;
    this.#freeIdUp(id);
    if (this.#count === 0) this.#forgetIds();
  }

  #takeId(): number {
    if (this.#freeId >= 0) {
      const id = this.#freeId;
      this.#freeId = (this.#locations[id] as number) - 1;
      return id;
    }
    if (this.#idsUsed === this.#locations.length) {
      const grown = new Uint32Array(Math.ceil(this.#idsUsed * 1.5));
      grown.set(this.#locations);
      this.#locations = grown;
    }
    return this.#idsUsed++;
  }

  #freeIdUp(id: number): void {
    this.#locations[id] = this.#freeId + 1;
    this.#freeId = id;
  }

  #forgetIds(): void {
    this.#locations = new Uint32Array(FIRST_IDS);
    this.#idsUsed = 0;
    this.#freeId = -1;
  }

  #locationOf(id: number): number {
    return this.#locations[id] as number;
  }

  #packOf(location: number): SealedPack {
    return this.#packs[Math.floor(location / POSITIONS)] as SealedPack;
  }

  #packAt(classIndex: number): SealedPack {
    const pack = this.#packs[classIndex] ?? new SealedPack(byteLengthOfClass(classIndex));
    this.#packs[classIndex] = pack;
    return pack;
  }
}

function classOf(byteLength: number): number {
  if (byteLength <= FINE_BYTE_LENGTH_MAX) return Math.ceil(byteLength / FINE_STEP_BYTE_LENGTH) - 1;
  const doubling = 31 - Math.clz32(byteLength - 1);
  const base = 2 ** doubling;
  const step = base / CLASSES_PER_DOUBLING;
  const within = Math.ceil((byteLength - base) / step) - 1;
  return FINE_CLASSES + (doubling - 10) * CLASSES_PER_DOUBLING + within;
}

function byteLengthOfClass(classIndex: number): number {
  if (classIndex < FINE_CLASSES) return (classIndex + 1) * FINE_STEP_BYTE_LENGTH;
  const coarse = classIndex - FINE_CLASSES;
  const base = 2 ** (10 + Math.floor(coarse / CLASSES_PER_DOUBLING));
  return base + ((coarse % CLASSES_PER_DOUBLING) + 1) * (base / CLASSES_PER_DOUBLING);
}
