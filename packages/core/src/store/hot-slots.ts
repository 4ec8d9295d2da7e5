import type { Places } from '../places/places.js';
import type { Standby } from '../places/standby.js';
import { isLent, type Secret, setInStore } from '../secret/secret.js';

/** A secret of a store that is open. */
export interface HotSlot {
  readonly id: number;
  readonly secret: Secret;
  /** Calls that work with it now. */
  users: number;
  /** Its entry was replaced or removed: it ends with its last user. */
  detached: boolean;
  /** The last sweep found it unused. */
  unused: boolean;
}

/**
 * Secrets of one store that are open. One that somebody uses stays; one that nobody uses stays for the next use, up to a
 * number and a time, and is wiped and freed at once when anybody waits for a place.
 */
export class HotSlots implements Standby {
  /** Secrets that were wiped and freed to make room or because nobody used them. */
  evictions = 0;
  readonly #places: Places;
  readonly #unusedMax: number;
  readonly #unusedMsMax: number;
  readonly #byId = new Map<number, HotSlot>();
  /** Those without a user, the least recently used first. */
  readonly #unused = new Map<number, HotSlot>();
  #sweepTimer: NodeJS.Timeout | undefined;

  constructor(places: Places, unusedMax: number, unusedMsMax: number) {
    this.#places = places;
    this.#unusedMax = unusedMax;
    this.#unusedMsMax = unusedMsMax;
  }

  get size(): number {
    return this.#byId.size;
  }

  get inUse(): number {
    return this.#byId.size - this.#unused.size;
  }

  /** Whether somebody who enters would find the entry open. */
  isOpen(id: number): boolean {
    return this.#byId.get(id)?.secret.disposed === false;
  }

  /** Counts users in, if the entry is open. */
  enter(id: number, users = 1): HotSlot | undefined {
    const slot = this.#byId.get(id);
    if (slot === undefined) return undefined;
    if (slot.secret.disposed) {
      // A user let its view escape: the slot is in quarantine, and the next use opens the entry anew.
      this.detach(id);
      return undefined;
    }
    if (slot.users === 0) this.#unused.delete(id);
    slot.users += users;
    return slot;
  }

  /** Takes in a secret that was just opened, with so many users waiting for it. */
  add(id: number, secret: Secret, users: number): HotSlot {
    setInStore(secret, true);
    const slot = { id, secret, users, detached: false, unused: false };
    this.#byId.set(id, slot);
    if (users === 0) this.#retain(slot);
    return slot;
  }

  /** Counts a user out. Throws what releasing the slot throws, when it is released by this. */
  leave(slot: HotSlot): void {
    if (--slot.users > 0) return;
    if (slot.detached) release(slot);
    else this.#retain(slot);
  }

  /** The same on behalf of nobody who could be told. */
  leaveQuietly(slot: HotSlot): void {
    this.#quietly(() => this.leave(slot));
  }

  /** The entry was replaced or removed. Those who use it go on with what they have. */
  detach(id: number): void {
    this.#quietly(() => this.#detach(id));
  }

  /** Those who use one go on with what they have, which is zero bytes now. */
  onPurge(): void {
    this.#places.telemetry.outbox.during(() => {
      for (const id of [...this.#byId.keys()]) this.detach(id);
    });
  }

  /** Frees up to `countMax` slots that nobody uses. */
  giveUp(countMax: number): number {
    let count = 0;
    for (const slot of this.#unused.values()) {
      if (count === countMax) break;
      if (isLent(slot.secret)) continue; // A lease was kept past its use: the bytes would stay.
      this.#quietly(() => this.#evict(slot));
      count++;
    }
    return count;
  }

  #detach(id: number): void {
    const slot = this.#byId.get(id);
    if (slot === undefined) return;
    this.#byId.delete(id);
    this.#unused.delete(id);
    slot.detached = true;
    if (slot.users === 0) release(slot);
  }

  #retain(slot: HotSlot): void {
    const { admission, primary } = this.#places;
    if (this.#unusedMax === 0 || admission.waiting > 0 || primary.contention.isOn) {
      this.#evict(slot);
      return;
    }
    slot.unused = false;
    this.#unused.set(slot.id, slot);
    this.#sweepLater();
    if (this.#unused.size <= this.#unusedMax) return;
    this.#evict(this.#unused.values().next().value as HotSlot);
  }

  #evict(slot: HotSlot): void {
    this.evictions++;
    this.#detach(slot.id);
  }

  #sweepLater(): void {
    if (this.#sweepTimer !== undefined) return;
    this.#sweepTimer = setTimeout(this.#onSweep, Math.max(1, this.#unusedMsMax / 2));
    this.#sweepTimer.unref();
  }

  readonly #onSweep = (): void => this.#places.telemetry.outbox.during(() => this.#sweep());

  /** Frees what two sweeps in a row found unused. */
  #sweep(): void {
    this.#sweepTimer = undefined;
    for (const slot of this.#unused.values()) {
      if (slot.unused) this.#quietly(() => this.#evict(slot));
      else slot.unused = true;
    }
    if (this.#unused.size > 0) this.#sweepLater();
  }

  /** For background work: nobody could catch an error here, so it is published. */
  #quietly(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#places.telemetry.emit('release-failed', { byteLength: 0, error });
    }
  }
}

function release({ secret }: HotSlot): void {
  setInStore(secret, false);
  secret.dispose();
}
