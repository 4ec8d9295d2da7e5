import type { Ownership } from '../lifetime/ownership.js';
import type { OnCapacity } from '../options.js';
import { isThenable } from '../places/access.js';
import type { RequestOptions } from '../requests/granter.js';
import type { Secret } from '../secret/secret.js';
import type { HotSlot, HotSlots } from './hot-slots.js';
import { openTogether } from './joint-opening.js';
import { watchUse } from './long-use.js';
import type { Openings } from './openings.js';
import type { StoreIndex } from './store-index.js';

/** The secrets of several names, in their order. */
export type SecretsOf<Names extends readonly string[]> = { readonly [K in keyof Names]: Secret };

/** Runs functions on secrets of a store that are open meanwhile. Names and options are checked by the caller. */
export class Uses {
  /** Uses that found the secret open, and uses that had to open it; ever. */
  hits = 0;
  misses = 0;
  readonly #owner: Ownership;
  readonly #hot: HotSlots;
  readonly #index: StoreIndex;
  readonly #openings: Openings;

  constructor(owner: Ownership, hot: HotSlots, index: StoreIndex, openings: Openings) {
    this.#owner = owner;
    this.#hot = hot;
    this.#index = index;
    this.#openings = openings;
  }

  async use<T>(
    name: string,
    fn: (secret: Secret) => T | PromiseLike<T>,
    request: RequestOptions,
  ): Promise<T> {
    const slot =
      this.#enter(name) ??
      this.#openings.openFree(name) ??
      (await this.#openings.open(name, request));
    return this.#run([name], [slot], () => fn(slot.secret));
  }

  useSync<T>(name: string, fn: (secret: Secret) => T, onCapacity: OnCapacity | undefined): T {
    const slot = this.#enter(name) ?? this.#openings.openSync(name, onCapacity);
    let result: T;
    try {
      result = fn(slot.secret);
    } catch (error) {
      this.#leaveAfter(slot);
      throw error;
    }
    this.#hot.leave(slot);
    if (!isThenable(result)) return result;
    result.then(undefined, () => {});
    throw new TypeError('useSync() takes a synchronous function, and this one returned a promise');
  }

  /** A name that is there twice leads to one secret, which is opened once. */
  async useAll<Names extends readonly string[], T>(
    names: Names,
    fn: (secrets: SecretsOf<Names>) => T | PromiseLike<T>,
    request: RequestOptions,
  ): Promise<T> {
    const distinct = [...new Set(names)];
    for (const name of distinct) this.#count(name);
    const slots = await openTogether(
      this.#owner,
      { openings: this.#openings, hot: this.#hot },
      distinct,
      request,
    );
    const byName = new Map(distinct.map((name, i) => [name, (slots[i] as HotSlot).secret]));
    const secrets = names.map((name) => byName.get(name)) as unknown as SecretsOf<Names>;
    return this.#run(distinct, slots, () => fn(secrets));
  }

  async #run<T>(
    names: readonly string[],
    slots: readonly HotSlot[],
    fn: () => T | PromiseLike<T>,
  ): Promise<T> {
    let result: T;
    try {
      const pending = fn();
      result = isThenable(pending) ? await this.#watched(names, pending) : pending;
    } catch (error) {
      for (const slot of slots) this.#leaveAfter(slot);
      throw error;
    }
    this.#leaveAll(slots);
    return result;
  }

  async #watched<T>(names: readonly string[], pending: PromiseLike<T>): Promise<T> {
    const end = watchUse(this.#owner.places, names);
    try {
      return await pending;
    } finally {
      end();
    }
  }

  /** Counts a user out of each. The first error is thrown, others are published. */
  #leaveAll(slots: readonly HotSlot[]): void {
    for (const [i, slot] of slots.entries()) {
      try {
        this.#hot.leave(slot);
      } catch (error) {
        for (const other of slots.slice(i + 1)) this.#leaveAfter(other);
        throw error;
      }
    }
  }

  /** Counts a user of an open secret in; undefined when it has to be opened. */
  #enter(name: string): HotSlot | undefined {
    const id = this.#index.idOf(name);
    const slot = id === undefined ? undefined : this.#hot.enter(id);
    if (slot === undefined) this.misses++;
    else this.hits++;
    return slot;
  }

  #count(name: string): void {
    const id = this.#index.idOf(name);
    if (id !== undefined && this.#hot.isOpen(id)) this.hits++;
    else this.misses++;
  }

  /** What `fn` threw goes before what releasing its slot throws, which is published. */
  #leaveAfter(slot: HotSlot): void {
    try {
      this.#hot.leave(slot);
    } catch (error) {
      this.#owner.places.telemetry.emit('release-failed', { byteLength: 0, error });
    }
  }
}
