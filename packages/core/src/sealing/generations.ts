import { randomFillSync } from 'node:crypto';
import type { KeyPages } from './key-pages.js';

/** Bytes of a nonce that are random for each key; the counter has the other eight. */
export const PREFIX_BYTE_LENGTH = 4;

/** One key: where it rests, and which seals it made. */
export interface Generation {
  readonly number: number;
  readonly pages: KeyPages;
  readonly slot: number;
  /** The counter of its first seal; it made every seal from there to the next generation's first. */
  readonly firstCounter: number;
  readonly prefix: Uint8Array;
  seals: number;
  /** Ciphertexts that need it. */
  needed: number;
}

/** The keys of one allocator, oldest first; the last one seals. */
export class Generations {
  #all: Generation[] = [];
  #lastNumber = 0;

  get count(): number {
    return this.#all.length;
  }

  get newest(): Generation | undefined {
    return this.#all.at(-1);
  }

  /** Ciphertexts that need any of them. */
  get needed(): number {
    return this.#all.reduce((sum, { needed }) => sum + needed, 0);
  }

  /** A random key in a free slot, which makes the seals from `firstCounter` on. */
  add(pages: KeyPages, slot: number, firstCounter: number): Generation {
    pages.makeKey(slot);
    const prefix = randomFillSync(new Uint8Array(new ArrayBuffer(PREFIX_BYTE_LENGTH)));
    const number = ++this.#lastNumber;
    const added = { number, pages, slot, firstCounter, prefix, seals: 0, needed: 0 };
    this.#all.push(added);
    return added;
  }

  /** The one that made the seal of this number; undefined when it is gone. */
  of(counter: number): Generation | undefined {
    const all = this.#all;
    for (let i = all.length - 1; i >= 0; i--) {
      const generation = all[i] as Generation;
      if (generation.firstCounter <= counter) return generation;
    }
    return undefined;
  }

  freeSlot(pages: KeyPages): number | undefined {
    const taken = new Set(this.slotsIn(pages));
    for (let slot = 0; slot < pages.slots; slot++) if (!taken.has(slot)) return slot;
    return undefined;
  }

  slotsIn(pages: KeyPages): number[] {
    return this.#all.filter((each) => each.pages === pages).map(({ slot }) => slot);
  }

  /** Drops those that nothing needs and that `wiped` answers for: all but the newest, and with `due` that one too. */
  dropUnneeded(due: boolean, wiped: (generation: Generation) => boolean): void {
    const { newest } = this;
    this.#all = this.#all.filter((generation) => {
      if (generation.needed > 0 || (generation === newest && !due)) return true;
      return !wiped(generation);
    });
  }

  clear(): void {
    this.#all = [];
  }
}
