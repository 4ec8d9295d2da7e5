/** How many numbers a host notes of each slot, and which of them names the next of a list. */
const NOTES = 3;
const NEXT = 2;

/**
 * The slots of one slab that were shown through a view, and those of them that are free: first in, first out.
 *
 * A view ends with its access, and yet native code that was handed it (`fs.write`, `randomFill`) keeps the raw pointer until
 * it is done, which nobody can see from outside. A slot that was shown once is therefore suspect for the life of its slab.
 */
export class ShownSlots {
  /** Free slots that were shown. */
  resting = 0;
  /** The list of the free is kept in the notes of the host, as the list of the others is. */
  readonly #notes: Int32Array;
  readonly #shown: Uint8Array;
  #first = -1;
  #last = -1;

  constructor(notes: Int32Array) {
    this.#notes = notes;
    this.#shown = new Uint8Array(notes.length / NOTES);
  }

  has(index: number): boolean {
    return this.#shown[index] === 1;
  }

  add(index: number): void {
    this.#shown[index] = 1;
  }

  /** A slot that was shown is free from now on. */
  rest(index: number): void {
    this.#notes[index * NOTES + NEXT] = -1;
    if (this.#last < 0) this.#first = index;
    else this.#notes[this.#last * NOTES + NEXT] = index;
    this.#last = index;
    this.resting++;
  }

  /** Those that are free, the longest free first. */
  *[Symbol.iterator](): Generator<number> {
    for (let i = this.#first; i >= 0; i = this.#notes[i * NOTES + NEXT] as number) yield i;
  }

  /** Takes the slot that has been free for longest. Precondition: one rests. */
  take(): number {
    const index = this.#first;
    this.#first = this.#notes[index * NOTES + NEXT] as number;
    if (this.#first < 0) this.#last = -1;
    this.resting--;
    return index;
  }
}
