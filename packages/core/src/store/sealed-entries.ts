import { SecureMemoryError } from '../contract/errors.js';
import type { Place } from '../placement/place-host.js';
import type { Label } from '../sealing/associated-data.js';
import { TAG_BYTE_LENGTH } from '../sealing/cipher.js';
import type { SealingKey } from '../sealing/sealing-key.js';
import { ENTRIES_MAX, SealedHeap } from './sealed-heap.js';

let lastStore = 0;

/** The ciphertexts of one store, each bound to the name it was sealed under. */
export class SealedEntries {
  readonly #key: SealingKey;
  readonly #entriesMax: number;
  readonly #heap = new SealedHeap();
  /** Tells stores of one process apart, so that an entry of one does not open in another. */
  readonly #store = ++lastStore;

  constructor(key: SealingKey, entriesMax: number) {
    this.#key = key;
    this.#entriesMax = entriesMax;
  }

  get byteLength(): number {
    return this.#heap.byteLength;
  }

  /** Throws `ERR_SECMEM_SECRETS_LIMIT` when there are as many entries as there may be. */
  assertRoom(): void {
    if (this.#heap.count >= this.#entriesMax) throw this.#full();
  }

  /** Encrypts the secret at `place` and returns the entry's id. After a throw nothing has changed. */
  seal(name: string, place: Place): number {
    if (this.#heap.count > ENTRIES_MAX) throw this.#full(); // Replaced ones are counted until they go.
    const byteLength = place.host.byteLengthOf(place.index);
    const id = this.#heap.add(byteLength + TAG_BYTE_LENGTH);
    try {
      const target = this.#heap.bytesOf(id);
      const counter = this.#key.seal(place, this.#label(name), target);
      this.#heap.setCounter(id, counter);
    } catch (error) {
      this.#heap.remove(id);
      throw error;
    }
    return id;
  }

  /** The length of the secret, in bytes. Throws `ERR_SECMEM_UNSEAL_FAILED` when its key is gone. */
  byteLengthOf(id: number): number {
    this.#key.assertKnown(this.#heap.counterOf(id));
    return this.#heap.byteLengthOf(id) - TAG_BYTE_LENGTH;
  }

  /** Decrypts into a place of that length. Throws `ERR_SECMEM_UNSEAL_FAILED`, and the place reads zero. */
  unseal(id: number, name: string, place: Place): void {
    const source = this.#heap.bytesOf(id);
    this.#key.unseal(this.#heap.counterOf(id), this.#label(name), source, place);
  }

  remove(id: number): void {
    const counter = this.#heap.counterOf(id);
    this.#heap.remove(id);
    this.#key.forget(counter);
  }

  #label(name: string): Label {
    return { store: this.#store, name };
  }

  #full(): SecureMemoryError {
    const remedy = 'delete entries, or spread them over several stores';
    return new SecureMemoryError(
      'ERR_SECMEM_SECRETS_LIMIT',
      `the store holds ${this.#entriesMax} entries, as many as it may; ${remedy}`,
      { operation: 'set', details: { limit: 'secrets', entriesMax: this.#entriesMax, remedy } },
    );
  }
}
