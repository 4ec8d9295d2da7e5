import type { Slab } from './slab.js';

/** So many places of one kind rest before the oldest is used again, as long as new ones can be mapped. */
const RESTING_COUNT = 8;
/** In bytes. Two that hold so much are enough: more would be much memory for a mistake in the user's code. */
const RESTING_BYTE_LENGTH = 1_048_576;

/** Whether the oldest of `count` free places that were shown, of `byteLength` bytes each, has rested enough. */
export function restedEnough(count: number, byteLength: number): boolean {
  return count >= RESTING_COUNT || (count > 1 && count * byteLength >= RESTING_BYTE_LENGTH);
}

/**
 * The free slots of one size class that were shown through a view, over all of its slabs: the longest free is the first to
 * go. There is one entry for each, which names the slab alone, since a slab gives its own in the same order.
 */
export class RestingSlots {
  /** Slots that can be taken. */
  size = 0;
  #queue: Slab[] = [];
  #head = 0;

  /** The slab whose slot is to be taken next, if there is any. */
  first(): Slab | undefined {
    if (this.size === 0) return undefined;
    while (!isOpen(this.#queue[this.#head] as Slab)) this.#shift();
    return this.#queue[this.#head];
  }

  /** One more slot of the slab rests. */
  add(slab: Slab): void {
    this.size++;
    this.#push(slab);
  }

  /** The slot of the slab that `first` gave was taken. */
  taken(): void {
    this.size--;
    this.#shift();
  }

  /** The slab gives no slots from now on. Its entries are dropped when they come to the front, or when most are such. */
  close(slab: Slab): void {
    this.size -= slab.resting;
    if (this.#queue.length - this.#head <= 2 * this.size + 64) return;
    const queue = this.#queue.slice(this.#head);
    for (const other of queue) if (!isOpen(other)) other.restingEntries = 0;
    this.#queue = queue.filter(isOpen);
    this.#head = 0;
  }

  /** The slab gives slots again; those without an entry go to the end. */
  open(slab: Slab): void {
    this.size += slab.resting;
    while (slab.restingEntries < slab.resting) this.#push(slab);
  }

  #push(slab: Slab): void {
    this.#queue.push(slab);
    slab.restingEntries++;
  }

  #shift(): void {
    (this.#queue[this.#head++] as Slab).restingEntries--;
    if (this.#head < 64 || this.#head * 2 < this.#queue.length) return;
    this.#queue.splice(0, this.#head);
    this.#head = 0;
  }
}

function isOpen(slab: Slab): boolean {
  return !slab.closedToNew && slab.resting > 0;
}
