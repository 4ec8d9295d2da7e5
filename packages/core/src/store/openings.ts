import { performance } from 'node:perf_hooks';
import { reasonOf } from '../common/abort-signal.js';
import { within } from '../common/within.js';
import { SecureMemoryError } from '../contract/errors.js';
import type { Ownership } from '../lifetime/ownership.js';
import type { OnCapacity } from '../options.js';
import type { RequestOptions } from '../requests/granter.js';
import { placeOf, type Secret } from '../secret/secret.js';
import type { HotSlot, HotSlots } from './hot-slots.js';
import type { SealedEntries } from './sealed-entries.js';
import type { StoreIndex } from './store-index.js';

/** One secret on its way into a slot, and how many callers wait for it. */
interface Opening {
  waiters: number;
  slot: HotSlot | undefined;
  promise: Promise<HotSlot>;
}

/**
 * Opens secrets of a store into slots. Callers that want the same one while it waits for its place wait together and share
 * the slot, each with a signal and a time of its own. Every slot comes back with its caller counted as a user.
 */
export class Openings {
  readonly #owner: Ownership;
  readonly #hot: HotSlots;
  readonly #entries: SealedEntries;
  readonly #index: StoreIndex;
  readonly #byName = new Map<string, Opening>();

  constructor(owner: Ownership, hot: HotSlots, entries: SealedEntries, index: StoreIndex) {
    this.#owner = owner;
    this.#hot = hot;
    this.#entries = entries;
    this.#index = index;
  }

  /** Opens it without waiting when a slot is free and nobody else opens it; undefined otherwise. */
  openFree(name: string): HotSlot | undefined {
    if (this.#byName.has(name)) return undefined;
    const id = this.#needId(name);
    const byteLength = this.#entries.byteLengthOf(id);
    const secret = this.#owner.takeFree(byteLength);
    return secret === undefined ? undefined : this.#fill(name, id, secret, 1);
  }

  /** Whether somebody who enters now finds the secret of this name open. */
  isOpen(name: string): boolean {
    return this.#hot.isOpen(this.#needId(name));
  }

  byteLengthOf(name: string): number {
    return this.#entries.byteLengthOf(this.#needId(name));
  }

  /** Counts a user in, if the secret is open. */
  enter(name: string): HotSlot | undefined {
    return this.#hot.enter(this.#needId(name));
  }

  /** Opens what the name leads to now into a place of its length, which is disposed when that throws. */
  fill(name: string, secret: Secret, users: number): HotSlot {
    return this.#fill(name, this.#needId(name), secret, users);
  }

  async open(name: string, request: RequestOptions): Promise<HotSlot> {
    const { waitMsMax, onCapacity } = this.#owner.places.options;
    if ((request.onCapacity ?? onCapacity) !== 'wait')
      return this.openSync(name, request.onCapacity);
    const until = performance.now() + (request.waitMsMax ?? waitMsMax);
    for (;;) {
      const other = this.#byName.get(name);
      const leftMs = Math.max(0, Math.round(until - performance.now()));
      if (other === undefined) return this.#start(name, { ...request, waitMsMax: leftMs });
      const slot = await this.#join(other, request.signal, leftMs);
      if (slot !== undefined) return slot;
      // Whoever began gave up or failed, which says nothing about this caller. It goes on in what is left of its time.
    }
  }

  /** One step: the entry is the same before and after its place was found. */
  openSync(name: string, onCapacity: OnCapacity | undefined): HotSlot {
    return this.#step(() => {
      const id = this.#needId(name);
      const byteLength = this.#entries.byteLengthOf(id);
      const secret = this.#owner.allocateSync(byteLength, onCapacity);
      return this.#fill(name, id, secret, 1);
    });
  }

  #start(name: string, request: RequestOptions): Promise<HotSlot> {
    const opening: Opening = { waiters: 1, slot: undefined, promise: undefined as never };
    // One step: whoever is told that it waits, and wants the same secret, finds it whole.
    this.#step(() => {
      this.#byName.set(name, opening);
      opening.promise = this.#run(name, opening, request);
    });
    return opening.promise;
  }

  /**
   * The entry may change or go while this waits; what is there when there is a place is opened. Nobody joins from that step
   * on: whoever comes a microtask later finds the open secret, or what the name leads to then.
   */
  async #run(name: string, opening: Opening, request: RequestOptions): Promise<HotSlot> {
    try {
      for (;;) {
        const secret = await this.#placeFor(name, request);
        const slot = this.#step(() => this.#end(name, opening, secret));
        if (slot !== undefined) return slot;
      }
    } catch (error) {
      this.#byName.delete(name);
      throw error;
    }
  }

  /** Nobody joins from here on, not even whoever is told of something in this step. */
  #end(name: string, opening: Opening, secret: Secret): HotSlot | undefined {
    const slot = this.#take(name, secret, opening.waiters);
    if (slot === undefined) return undefined;
    opening.slot = slot;
    this.#byName.delete(name);
    return slot;
  }

  async #placeFor(name: string, request: RequestOptions): Promise<Secret> {
    const byteLength = this.#entries.byteLengthOf(this.#needId(name));
    return this.#owner.allocate(byteLength, request);
  }

  /** Opens the entry of this name into a place, for so many users; undefined where the place is not of its length. */
  #take(name: string, secret: Secret, users: number): HotSlot | undefined {
    const id = this.#index.idOf(name);
    if (id !== undefined && !this.#hot.isOpen(id) && this.#fits(id, secret)) {
      return this.#fill(name, id, secret, users);
    }
    // What releasing it throws comes before anybody is counted in.
    secret.dispose();
    if (id === undefined) throw noSuchName();
    return this.#hot.enter(id, users);
  }

  /** Nobody is told of anything in the middle of it. */
  #step<T>(step: () => T): T {
    return this.#owner.places.telemetry.outbox.during(step);
  }

  #fits(id: number, secret: Secret): boolean {
    try {
      return this.#entries.byteLengthOf(id) === secret.byteLength;
    } catch (error) {
      secret.dispose();
      throw error;
    }
  }

  #fill(name: string, id: number, secret: Secret, users: number): HotSlot {
    try {
      this.#entries.unseal(id, name, placeOf(secret));
    } catch (error) {
      secret.dispose();
      throw error;
    }
    return this.#hot.add(id, secret, users);
  }

  #needId(name: string): number {
    const id = this.#index.idOf(name);
    if (id === undefined) throw noSuchName();
    return id;
  }

  /** Waits for somebody else's opening: the slot, or undefined when that one failed. */
  async #join(
    opening: Opening,
    signal: AbortSignal | undefined,
    waitMsMax: number,
  ): Promise<HotSlot | undefined> {
    if (signal?.aborted) return Promise.reject(reasonOf(signal));
    opening.waiters++;
    const opened = opening.promise.catch(() => undefined);
    const timedOut = (): SecureMemoryError => waitTimeout(waitMsMax);
    try {
      return await within(() => opened, { waitMsMax, timedOut, signal });
    } catch (reason) {
      if (opening.slot === undefined) opening.waiters--;
      else this.#hot.leaveQuietly(opening.slot);
      throw reason;
    }
  }
}

function noSuchName(): SecureMemoryError {
  return new SecureMemoryError(
    'ERR_SECMEM_DISPOSED',
    'the store has no secret of this name: it was never set, or was deleted, or has come to its end',
    { operation: 'use' },
  );
}

function waitTimeout(waitedMs: number): SecureMemoryError {
  const remedy = 'use secrets for less long, one after the other, or wait longer (waitMsMax)';
  return new SecureMemoryError(
    'ERR_SECMEM_WAIT_TIMEOUT',
    `no place within ${waitedMs} ms for a secret that several callers wait for; ${remedy}`,
    { operation: 'use', details: { limit: 'wait', waitedMs, remedy } },
  );
}
