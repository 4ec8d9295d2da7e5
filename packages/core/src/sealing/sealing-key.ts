import { randomFillSync } from 'node:crypto';
import { SecureMemoryError } from '../contract/errors.js';
import { isShortage } from '../limits/shortage.js';
import { SEALS_PER_KEY_MAX } from '../options.js';
import type { Place } from '../placement/place-host.js';
import type { Region } from '../placement/region.js';
import type { Places } from '../places/places.js';
import type { Standby } from '../places/standby.js';
import { refusal } from '../requests/refusal.js';
import { associatedData, type Label, writeCounter } from './associated-data.js';
import { KEY_BYTE_LENGTH, type KeyUse, sealPlace, unsealFailed, unsealPlace } from './cipher.js';
import { putFreshKey } from './fresh-key.js';

/** Keys that can be there at once; on a page of 4 KiB they fill it. */
export const KEYS_MAX = 128;

const NONCE_BYTE_LENGTH = 12;
/** Bytes of a nonce that are random for each key; the counter has the other eight. */
const PREFIX_BYTE_LENGTH = 4;

/** One key: a slot of the page, and which seals it made. */
interface Generation {
  readonly number: number;
  readonly slot: number;
  /** The counter of its first seal; it made every seal from there to the next generation's first. */
  readonly firstCounter: number;
  readonly prefix: Uint8Array;
  seals: number;
  /** Ciphertexts that need it. */
  needed: number;
}

/**
 * The key that everything sealed by one allocator is encrypted with, in a region of its own that nothing but the cipher
 * reads, closed at rest as far as the backend goes whatever `atRest` says.
 *
 * The key is replaced after `sealsPerKeyMax` seals. Older ones stay in the same page until no ciphertext needs them. Where
 * all places of the page are taken by keys that are still needed, the newest goes on, to 2^32 seals at most.
 *
 * A nonce is four random bytes of the key and a counter of eight bytes that is never used twice by this allocator, for a
 * failed seal neither: the deterministic construction of NIST SP 800-38D, 8.2.1.
 */
export class SealingKey implements Standby {
  readonly #places: Places;
  #region: Region | undefined;
  /** Oldest first; the last one seals. */
  #generations: Generation[] = [];
  /** Slots of the page that a view which could not be revoked may still show. */
  readonly #exposedSlots = new Set<number>();
  #counter = 0;
  #lastNumber = 0;
  /** How many ciphertexts and open stores still need this page. */
  #needed = 0;
  #idleTimer: NodeJS.Timeout | undefined;
  readonly #nonce = new Uint8Array(new ArrayBuffer(NONCE_BYTE_LENGTH));
  readonly #nonceFields = new DataView(this.#nonce.buffer);

  constructor(places: Places) {
    this.#places = places;
  }

  /** Keys in the page now. */
  get keys(): number {
    return this.#generations.length;
  }

  /** Bytes of the page now. */
  get byteLength(): number {
    return this.#region?.byteLength ?? 0;
  }

  /** Seals ever made. */
  get seals(): number {
    return this.#counter;
  }

  /** Keeps the page mapped until `letGo`. Maps it first, or throws a capacity error with nothing changed. */
  hold(operation: string): void {
    this.#step(() => {
      this.#current(operation);
      this.#needed++;
    });
  }

  letGo(): void {
    this.#unneed();
  }

  /**
   * Encrypts a secret into `target`, which is 16 bytes longer, and returns the number of this seal. Maps the page or makes
   * the next key where one is due. After a throw nothing has changed but a number that is not used again.
   */
  seal(place: Place, label: Label, target: Uint8Array): number {
    return this.#step(() => {
      const generation = this.#current('seal');
      const counter = ++this.#counter;
      generation.seals++;
      const byteLength = place.host.byteLengthOf(place.index);
      sealPlace(this.#use(generation, counter, label, byteLength), place, target);
      generation.needed++;
      this.#needed++;
      return counter;
    });
  }

  /** Decrypts into a place of the same length, or throws `ERR_SECMEM_UNSEAL_FAILED` and the place reads zero. */
  unseal(counter: number, label: Label, source: Uint8Array, place: Place): void {
    const generation = this.#known(counter);
    const byteLength = place.host.byteLengthOf(place.index);
    unsealPlace(this.#use(generation, counter, label, byteLength), source, place);
  }

  /** Throws `ERR_SECMEM_UNSEAL_FAILED` when the key of that seal is gone. */
  assertKnown(counter: number): void {
    this.#known(counter);
  }

  /** The ciphertext of that seal is gone. The last one of an older key takes the key with it. */
  forget(counter: number): void {
    const generation = this.#generationOf(counter);
    if (generation === undefined) return;
    this.#step(() => {
      generation.needed--;
      if (generation.needed === 0) this.#dropUnneeded();
      this.#unneed();
    });
  }

  giveUp(): number {
    if (this.#needed > 0 || this.#region === undefined) return 0;
    return this.#step(() => (this.#unmap() ? 1 : 0));
  }

  onPurge(): void {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = undefined;
    for (const { needed } of this.#generations) this.#needed -= needed;
    this.#forgetPage();
  }

  /** Nobody is told of anything in the middle of it. */
  #step<T>(step: () => T): T {
    return this.#places.telemetry.outbox.during(step);
  }

  #current(operation: string): Generation {
    const region = this.#region ?? this.#map(operation);
    const newest = this.#generations.at(-1);
    if (newest !== undefined && newest.seals < this.#places.options.sealsPerKeyMax) return newest;
    this.#dropUnneeded(newest);
    const slot = this.#freeSlot(region);
    if (slot !== undefined) return this.#generate(region, slot);
    if (newest !== undefined && newest.seals < SEALS_PER_KEY_MAX) return newest;
    throw tooManyKeys(operation, region.backend.name);
  }

  /** The page, with a first key in it. */
  #map(operation: string): Region {
    const places = this.#places;
    const { primary } = places;
    const byteLength = primary.backend.pageByteLength;
    const found = places.orGiveUp(() => primary.reserve(byteLength));
    if (isShortage(found)) throw refusal(places, primary, found, [byteLength], operation);
    this.#region = found;
    places.standbys.add(this);
    try {
      this.#generate(found, 0);
    } catch (error) {
      this.#unmap();
      throw error;
    }
    return found;
  }

  /** A random key into a free slot of the page. A slot that a view may still show is never used again. */
  #generate(region: Region, slot: number): Generation {
    if (!putFreshKey(region, slot * KEY_BYTE_LENGTH)) {
      this.#exposedSlots.add(slot);
      this.#wiped({ slot });
      throw keyExposed(region.backend.name);
    }
    const prefix = randomFillSync(new Uint8Array(new ArrayBuffer(PREFIX_BYTE_LENGTH)));
    const number = ++this.#lastNumber;
    const firstCounter = this.#counter + 1;
    const generation = { number, slot, firstCounter, prefix, seals: 0, needed: 0 };
    this.#generations.push(generation);
    return generation;
  }

  #freeSlot(region: Region): number | undefined {
    const slots = Math.min(KEYS_MAX, Math.floor(region.byteLength / KEY_BYTE_LENGTH));
    for (let slot = 0; slot < slots; slot++) {
      if (this.#exposedSlots.has(slot)) continue;
      if (!this.#generations.some((generation) => generation.slot === slot)) return slot;
    }
    return undefined;
  }

  #known(counter: number): Generation {
    const generation = this.#generationOf(counter);
    if (generation !== undefined) return generation;
    throw unsealFailed('the key that it was sealed with is gone: everything was purged since');
  }

  #generationOf(counter: number): Generation | undefined {
    const generations = this.#generations;
    for (let i = generations.length - 1; i >= 0; i--) {
      const generation = generations[i] as Generation;
      if (generation.firstCounter <= counter) return generation;
    }
    return undefined;
  }

  /** The nonce is overwritten by the next use: a cipher has read it when it returns. */
  #use(
    { number, slot, prefix }: Generation,
    counter: number,
    label: Label,
    byteLength: number,
  ): KeyUse {
    this.#nonce.set(prefix);
    writeCounter(this.#nonceFields, PREFIX_BYTE_LENGTH, counter);
    return {
      region: this.#region as Region,
      byteOffset: slot * KEY_BYTE_LENGTH,
      nonce: this.#nonce,
      associatedData: associatedData(label, counter, number, byteLength),
    };
  }

  /** Wipes keys that nothing needs: all but the newest, and that one too when it is `due` for replacement. */
  #dropUnneeded(due?: Generation): void {
    const newest = this.#generations.at(-1);
    this.#generations = this.#generations.filter((generation) => {
      if (generation.needed > 0 || (generation === newest && due === undefined)) return true;
      return !this.#wiped(generation);
    });
  }

  #wiped({ slot }: Pick<Generation, 'slot'>): boolean {
    const region = this.#region as Region;
    try {
      region.wipe(slot * KEY_BYTE_LENGTH, KEY_BYTE_LENGTH);
      return true;
    } catch (error) {
      this.#places.telemetry.emit('release-failed', { byteLength: KEY_BYTE_LENGTH, error });
      return false;
    }
  }

  #unneed(): void {
    this.#needed--;
    if (this.#needed > 0 || this.#region === undefined || this.#idleTimer !== undefined) return;
    this.#idleTimer = setTimeout(() => {
      this.#idleTimer = undefined;
      this.giveUp();
    }, this.#places.options.idleMs);
    this.#idleTimer.unref();
  }

  #unmap(): boolean {
    const region = this.#region as Region;
    const { admission } = this.#places;
    this.#forgetPage();
    const gone = region.owner.unmap(region);
    if (gone && admission.waiting > 0) admission.pump();
    return gone;
  }

  #forgetPage(): void {
    this.#region = undefined;
    this.#places.standbys.delete(this);
    this.#exposedSlots.clear();
    this.#generations = [];
  }
}

function keyExposed(backend: string): SecureMemoryError {
  return new SecureMemoryError(
    'ERR_SECMEM_VIEW_ESCAPED',
    'the view through which a sealing key was made could not be revoked; the key is not used',
    { operation: 'seal', backend },
  );
}

function tooManyKeys(operation: string, backend: string): SecureMemoryError {
  const remedy = 'dispose sealed secrets that are no longer needed, the oldest first';
  return new SecureMemoryError(
    'ERR_SECMEM_SECRETS_LIMIT',
    `every place for a sealing key is taken by one that something sealed still needs; ${remedy}`,
    { operation, backend, details: { limit: 'secrets', keysMax: KEYS_MAX, remedy } },
  );
}
