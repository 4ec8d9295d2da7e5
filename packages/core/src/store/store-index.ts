import type { Outbox } from '../telemetry/outbox.js';
import { Deadlines } from './deadlines.js';

/** Which entry a name leads to, and when it ends. Knows numbers, not ciphertexts. */
export class StoreIndex {
  /** Entries that came to their end, ever. */
  expirations = 0;
  readonly #outbox: Outbox;
  readonly #onGone: (id: number) => void;
  readonly #deadlines = new Deadlines((name) => this.#expire(name));
  #ids = new Map<string, number>();

  /** `onGone` is told of every entry that no name leads to any more, and `outbox` held meanwhile. */
  constructor(outbox: Outbox, onGone: (id: number) => void) {
    this.#outbox = outbox;
    this.#onGone = onGone;
  }

  get size(): number {
    return this.#ids.size;
  }

  *names(): Generator<string> {
    for (const [name, id] of this.#ids) if (!this.#deadlines.isPast(id)) yield name;
  }

  /** The entry of a name, unless it has come to its end. */
  idOf(name: string): number | undefined {
    const id = this.#ids.get(name);
    if (id === undefined || !this.#deadlines.isPast(id)) return id;
    this.#expire(name);
    return undefined;
  }

  /** Leads a name to an entry, in place of the one before; it ends after `ttlMs` if that is given. */
  set(name: string, id: number, ttlMs: number | undefined): void {
    const before = this.#ids.get(name);
    this.#ids.set(name, id);
    if (ttlMs !== undefined) this.#deadlines.set(id, name, ttlMs);
    if (before !== undefined) this.#drop(before);
  }

  /** The same for many, in one step. */
  setAll(ids: ReadonlyMap<string, number>, ttlMs: number | undefined): void {
    this.#outbox.during(() => {
      for (const [name, id] of ids) this.set(name, id, ttlMs);
    });
  }

  delete(name: string): boolean {
    const id = this.idOf(name);
    if (id === undefined) return false;
    this.#ids.delete(name);
    this.#drop(id);
    return true;
  }

  clear(): void {
    const ids = this.#ids.values();
    this.#ids = new Map();
    this.#deadlines.clear();
    this.#outbox.during(() => {
      for (const id of ids) this.#onGone(id);
    });
  }

  #expire(name: string): void {
    const id = this.#ids.get(name);
    if (id === undefined) return;
    this.expirations++;
    this.#ids.delete(name);
    this.#drop(id);
  }

  #drop(id: number): void {
    this.#deadlines.delete(id);
    this.#outbox.during(() => this.#onGone(id));
  }
}
