/** What a list links: each knows its neighbours, which the list alone changes. */
export interface Linked<T> {
  older: T | undefined;
  newer: T | undefined;
}

/**
 * The open accesses of an allocator. They are linked through themselves: adding a fresh object to a Set and deleting it makes
 * the engine give it a hash first, which was an eighth of a read on napi (`npm run bench -- --only read-32`, Node 20).
 */
export class AccessList<T extends Linked<T>> {
  #newest: T | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Precondition: it is in no list. */
  add(access: T): void {
    const older = this.#newest;
    access.older = older;
    if (older !== undefined) older.newer = access;
    this.#newest = access;
    this.#size++;
  }

  /** Precondition: it is in this list. */
  delete(access: T): void {
    const { older, newer } = access;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    if (older !== undefined) older.newer = newer;
    access.older = undefined;
    access.newer = undefined;
    this.#size--;
  }

  /** The newest first. Nothing may be added or deleted meanwhile. */
  *[Symbol.iterator](): Generator<T> {
    for (let access = this.#newest; access !== undefined; access = access.older) yield access;
  }
}
