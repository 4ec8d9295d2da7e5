import { SecureMemoryError } from '../contract/errors.js';
import { SEALS_PER_KEY_MAX } from '../options.js';
import type { Place } from '../placement/place-host.js';
import type { Places } from '../places/places.js';
import type { Standby } from '../places/standby.js';
import { associatedData, type Label, writeCounter } from './associated-data.js';
import { KEY_BYTE_LENGTH, sealPlace, unsealFailed, unsealPlace } from './cipher.js';
import { type Generation, Generations, PREFIX_BYTE_LENGTH } from './generations.js';
import { KEYS_MAX, type KeyPages } from './key-pages.js';
import { mapKeyPages } from './map-key-pages.js';

const NONCE_BYTE_LENGTH = 12;
/** Shares change after so many milliseconds: a reader of memory who is slower than that has two halves of nothing. */
const SHARES_MS = 500;

/**
 * The key that everything sealed by one allocator is encrypted with, in pages of its own that nothing but the cipher reads, in
 * the form that `stats().sealing` names.
 *
 * The key is replaced after `sealsPerKeyMax` seals, and where the kernel says that its pages lost a protection: then in new
 * pages. Older ones stay where they are until no ciphertext needs them. Where all places of the pages are taken by keys that
 * are still needed, the newest goes on, to 2^32 seals at most.
 *
 * A nonce is four random bytes of the key and a counter of eight bytes that is never used twice by this allocator, for a
 * failed seal neither: the deterministic construction of NIST SP 800-38D, 8.2.1.
 */
export class SealingKey implements Standby {
  readonly #places: Places;
  /** Oldest first; new keys come into the last. */
  #pages: KeyPages[] = [];
  readonly #generations = new Generations();
  #counter = 0;
  /** How many ciphertexts and open stores still need the pages. */
  #needed = 0;
  #idleTimer: NodeJS.Timeout | undefined;
  #shareTimer: NodeJS.Timeout | undefined;
  readonly #nonce = new Uint8Array(new ArrayBuffer(NONCE_BYTE_LENGTH));
  readonly #nonceFields = new DataView(this.#nonce.buffer);

  constructor(places: Places) {
    this.#places = places;
  }

  /** Keys in the pages now. */
  get keys(): number {
    return this.#generations.count;
  }

  /** Bytes of the pages now. */
  get byteLength(): number {
    return this.#pages.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Seals ever made. */
  get seals(): number {
    return this.#counter;
  }

  /** Keeps the pages mapped until `letGo`. Maps them first, or throws a capacity error with nothing changed. */
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
   * Encrypts a secret into `target`, which is 16 bytes longer, and returns the number of this seal. Maps the pages or makes
   * the next key where one is due. After a throw nothing has changed but a number that is not used again.
   */
  seal(place: Place, label: Label, target: Uint8Array): number {
    return this.#step(() => {
      const generation = this.#current('seal');
      const counter = ++this.#counter;
      generation.seals++;
      const data = this.#bind(generation, counter, label, place);
      generation.pages.withKey(generation.slot, (region, byteOffset) =>
        sealPlace({ region, byteOffset, nonce: this.#nonce, associatedData: data }, place, target),
      );
      generation.needed++;
      this.#needed++;
      return counter;
    });
  }

  /** Decrypts into a place of the same length, or throws `ERR_SECMEM_UNSEAL_FAILED` and the place reads zero. */
  unseal(counter: number, label: Label, source: Uint8Array, place: Place): void {
    const generation = this.#known(counter);
    this.#step(() => {
      const data = this.#bind(generation, counter, label, place);
      generation.pages.withKey(generation.slot, (region, byteOffset) =>
        unsealPlace(
          { region, byteOffset, nonce: this.#nonce, associatedData: data },
          source,
          place,
        ),
      );
    });
  }

  /** Throws `ERR_SECMEM_UNSEAL_FAILED` when the key of that seal is gone. */
  assertKnown(counter: number): void {
    this.#known(counter);
  }

  /** The ciphertext of that seal is gone. The last one of an older key takes the key with it. */
  forget(counter: number): void {
    const generation = this.#generations.of(counter);
    if (generation === undefined) return;
    this.#step(() => {
      generation.needed--;
      if (generation.needed === 0) this.#dropUnneeded(false);
      this.#unneed();
    });
  }

  giveUp(): number {
    if (this.#needed > 0 || this.#pages.length === 0) return 0;
    return this.#step(() => (this.#unmap() ? 1 : 0));
  }

  onPurge(): void {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = undefined;
    this.#needed -= this.#generations.needed;
    this.#forgetPages();
  }

  /** Nobody is told of anything in the middle of it. */
  #step<T>(step: () => T): T {
    return this.#places.telemetry.outbox.during(step);
  }

  #current(operation: string): Generation {
    const { newest } = this.#generations;
    const sound = newest !== undefined && !newest.pages.lost;
    if (sound && newest.seals < this.#places.options.sealsPerKeyMax) return newest;
    this.#dropUnneeded(newest !== undefined);
    const pages = this.#pages.at(-1);
    if (pages === undefined || pages.lost) return this.#map(operation);
    const slot = this.#generations.freeSlot(pages);
    if (slot !== undefined) return this.#generations.add(pages, slot, this.#counter + 1);
    if (newest !== undefined && newest.seals < SEALS_PER_KEY_MAX) return newest;
    throw tooManyKeys(operation, this.#places.primary.backend.name);
  }

  /** New pages, with a first key in them. */
  #map(operation: string): Generation {
    const pages = mapKeyPages(this.#places, operation);
    this.#pages.push(pages);
    this.#places.keyFormInForce = pages.form;
    this.#places.standbys.add(this);
    this.#shareTimer ??= setInterval(() => this.#shareAnew(), SHARES_MS).unref();
    try {
      return this.#generations.add(pages, 0, this.#counter + 1);
    } catch (error) {
      this.#release(pages);
      throw error;
    }
  }

  #shareAnew(): void {
    this.#step(() => {
      for (const pages of this.#pages) {
        try {
          pages.shareAnew(this.#generations.slotsIn(pages));
        } catch (error) {
          // The shares stay as they were, and are tried again.
          this.#places.telemetry.emit('release-failed', { byteLength: pages.byteLength, error });
        }
      }
    });
  }

  #known(counter: number): Generation {
    const generation = this.#generations.of(counter);
    if (generation !== undefined) return generation;
    throw unsealFailed('the key that it was sealed with is gone: everything was purged since');
  }

  /**
   * Makes the nonce and the associated data of one seal; both are overwritten by the next use: a cipher has read them when
   * it returns.
   */
  #bind(generation: Generation, counter: number, label: Label, { host, index }: Place): Uint8Array {
    this.#nonce.set(generation.prefix);
    writeCounter(this.#nonceFields, PREFIX_BYTE_LENGTH, counter);
    return associatedData(label, counter, generation.number, host.byteLengthOf(index));
  }

  /** Wipes keys that nothing needs, but the newest unless it is `due` for replacement, and gives back pages without any. */
  #dropUnneeded(due: boolean): void {
    this.#generations.dropUnneeded(due, (generation) => this.#wiped(generation));
    for (const pages of this.#pages) {
      const isLast = pages === this.#pages.at(-1);
      if (isLast && !pages.lost) continue;
      if (this.#generations.slotsIn(pages).length === 0) this.#release(pages);
    }
  }

  #wiped({ pages, slot }: Generation): boolean {
    try {
      pages.wipe(slot);
      return true;
    } catch (error) {
      this.#places.telemetry.emit('release-failed', { byteLength: KEY_BYTE_LENGTH, error });
      return false;
    }
  }

  #unneed(): void {
    this.#needed--;
    if (this.#needed > 0 || this.#pages.length === 0 || this.#idleTimer !== undefined) return;
    this.#idleTimer = setTimeout(() => {
      this.#idleTimer = undefined;
      this.giveUp();
    }, this.#places.options.idleMs);
    this.#idleTimer.unref();
  }

  #unmap(): boolean {
    const all = this.#pages;
    const { admission } = this.#places;
    this.#forgetPages();
    const gone = all.map((pages) => pages.release()).every(Boolean);
    if (gone && admission.waiting > 0) admission.pump();
    return gone;
  }

  /** Gives back pages in which there is no key. */
  #release(released: KeyPages): void {
    this.#pages = this.#pages.filter((pages) => pages !== released);
    if (this.#pages.length === 0) this.#forgetPages();
    released.release();
  }

  #forgetPages(): void {
    clearInterval(this.#shareTimer);
    this.#shareTimer = undefined;
    this.#pages = [];
    this.#places.keyFormInForce = undefined;
    this.#places.standbys.delete(this);
    this.#generations.clear();
  }
}

function tooManyKeys(operation: string, backend: string): SecureMemoryError {
  const remedy = 'dispose sealed secrets that are no longer needed, the oldest first';
  return new SecureMemoryError(
    'ERR_SECMEM_SECRETS_LIMIT',
    `every place for a sealing key is taken by one that something sealed still needs; ${remedy}`,
    { operation, backend, details: { limit: 'secrets', keysMax: KEYS_MAX, remedy } },
  );
}
