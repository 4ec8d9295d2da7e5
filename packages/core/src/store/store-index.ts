import { performance } from 'node:perf_hooks';
import { inSlices } from '../common/slice.js';
import type { Outbox } from '../telemetry/outbox.js';
import { Deadlines } from './deadlines.js';

/** Entries that a load brought: they count, and take the place of those before them one by one. */
interface Landing {
  readonly ids: Map<string, number>;
  /** When they end, on the clock of `performance.now()`. */
  readonly endsAt: number | undefined;
}

/**
 * Which entry a name leads to, and when it ends. Knows numbers, not ciphertexts.
 *
 * What a load brings counts in one step, at next to no cost. It lands afterwards: before a name is looked at, or in the turns to
 * come, its entry takes the place of the one before.
 */
export class StoreIndex {
  /** Entries that came to their end, ever. */
  expirations = 0;
  readonly #outbox: Outbox;
  readonly #onGone: (id: number) => void;
  readonly #deadlines = new Deadlines((name) => this.#expire(name));
  #ids = new Map<string, number>();
  /** The oldest first. */
  #landings: Landing[] = [];

  /** `onGone` is told of every entry that no name leads to any more, and `outbox` held meanwhile. */
  constructor(outbox: Outbox, onGone: (id: number) => void) {
    this.#outbox = outbox;
    this.#onGone = onGone;
  }

  get #isEmpty(): boolean {
    return this.#ids.size === 0 && this.#landings.length === 0;
  }

  get size(): number {
    this.#landAll();
    return this.#ids.size;
  }

  *names(): Generator<string> {
    this.#landAll();
    for (const [name, id] of this.#ids) if (!this.#deadlines.isPast(id)) yield name;
  }

  /** The entry of a name, unless it has come to its end. */
  idOf(name: string): number | undefined {
    this.#land(name);
    const id = this.#ids.get(name);
    if (id === undefined || !this.#deadlines.isPast(id)) return id;
    this.#expire(name);
    return undefined;
  }

  /** Leads a name to an entry, in place of the one before; it ends after `ttlMs` if that is given. */
  set(name: string, id: number, ttlMs: number | undefined): void {
    this.#land(name);
    this.#put(name, id, ttlMs);
  }

  /** The same for many, in one step; undefined, or a promise of the end of their landing. `ids` is ours from now on. */
  setAll(ids: Map<string, number>, ttlMs: number | undefined): Promise<void> | undefined {
    if (ttlMs === undefined && this.#isEmpty) {
      this.#ids = ids; // There is nothing whose place they could take.
      return undefined;
    }
    const endsAt = ttlMs === undefined ? undefined : performance.now() + ttlMs;
    const landing: Landing = { ids, endsAt };
    this.#landings.push(landing);
    return inSlices(
      this.#namesIn(landing),
      (name) => this.#land(name),
      (slice) => this.#outbox.during(slice),
    );
  }

  #put(name: string, id: number, ttlMs: number | undefined): void {
    const before = this.#ids.get(name);
    this.#ids.set(name, id);
    if (ttlMs !== undefined) this.#deadlines.set(id, name, ttlMs);
    if (before !== undefined) this.#drop(before);
  }

  delete(name: string): boolean {
    const id = this.idOf(name);
    if (id === undefined) return false;
    this.#ids.delete(name);
    this.#drop(id);
    return true;
  }

  clear(): void {
    const gone = [this.#ids, ...this.#landings.map(({ ids }) => ids)];
    this.#ids = new Map();
    this.#landings = [];
    this.#deadlines.clear();
    this.#outbox.during(() => {
      for (const ids of gone) {
        for (const id of ids.values()) this.#onGone(id);
        ids.clear();
      }
    });
  }

  /** Each name as long as it has not landed; after the last one this landing is over. */
  *#namesIn(landing: Landing): Generator<string> {
    yield* landing.ids.keys();
    this.#landings = this.#landings.filter((other) => other !== landing);
  }

  #land(name: string): void {
    if (this.#landings.length === 0) return;
    for (const { ids, endsAt } of this.#landings) {
      const id = ids.get(name);
      if (id === undefined) continue;
      ids.delete(name);
      this.#put(name, id, endsAt === undefined ? undefined : endsAt - performance.now());
    }
  }

  /** Whoever asks for all of them does not wait for the turns to come. */
  #landAll(): void {
    if (this.#landings.length === 0) return;
    this.#outbox.during(() => {
      for (const landing of this.#landings) for (const name of landing.ids.keys()) this.#land(name);
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
