import type { SealingKeyForm } from '../placement/key-form.js';
import type { Region } from '../placement/region.js';
import { KEY_BYTE_LENGTH } from './cipher.js';
import { KEYS_MAX, type KeyPages } from './key-pages.js';
import { Share } from './share.js';

/**
 * Keys as two shares each, in two regions: random bytes, and the same exclusive-or'd with the key. Neither says anything of
 * it. A key is put together at the end of the first region, in locked memory, for the length of one call of the cipher, and
 * wiped there before anything else happens: nobody's code runs in between, so there is nothing to enter again.
 */
export class KeyShares implements KeyPages {
  readonly form: SealingKeyForm;
  readonly #first: Share;
  readonly #second: Share;
  /** Where a key is whole during a call, and a mask during a change of shares. Reads zero at any other time. */
  readonly #workAt: number;

  constructor(first: Region, second: Region, form: SealingKeyForm) {
    this.form = form;
    this.#first = new Share(first);
    this.#second = new Share(second);
    this.#workAt = first.byteLength - KEY_BYTE_LENGTH;
    for (const region of [first, second]) region.close();
  }

  get byteLength(): number {
    return this.#first.region.byteLength + this.#second.region.byteLength;
  }

  get slots(): number {
    return Math.min(KEYS_MAX, Math.floor(this.#workAt / KEY_BYTE_LENGTH));
  }

  get lost(): boolean {
    return this.#first.region.losses !== undefined || this.#second.region.losses !== undefined;
  }

  makeKey(slot: number): void {
    const at = slot * KEY_BYTE_LENGTH;
    this.#opened(() => {
      try {
        this.#first.randomize(at);
        this.#second.randomize(at);
      } catch (error) {
        this.#first.wipe(at);
        this.#second.wipe(at);
        throw error;
      }
    });
  }

  withKey<T>(slot: number, work: (region: Region, byteOffset: number) => T): T {
    const at = slot * KEY_BYTE_LENGTH;
    return this.#opened(() => {
      try {
        this.#first.putXor(this.#workAt, this.#first, at, this.#second, at);
        return work(this.#first.region, this.#workAt);
      } finally {
        this.#first.wipe(this.#workAt);
      }
    });
  }

  /** Who reads one share now and the other after this has no key. */
  shareAnew(slots: readonly number[]): void {
    this.#opened(() => {
      for (const slot of slots) this.#mask(slot * KEY_BYTE_LENGTH);
    });
  }

  wipe(slot: number): void {
    this.#opened(() => {
      this.#first.wipe(slot * KEY_BYTE_LENGTH);
      this.#second.wipe(slot * KEY_BYTE_LENGTH);
    });
  }

  release(): boolean {
    const gone = [this.#first, this.#second].map(({ region }) => region.owner.unmap(region));
    return gone.every(Boolean);
  }

  /** Both shares exclusive-or one random mask: the key that they stand for stays. */
  #mask(at: number): void {
    const [first, second, workAt] = [this.#first, this.#second, this.#workAt];
    try {
      first.randomize(workAt);
      first.putXor(at, first, at, first, workAt);
      try {
        second.putXor(at, second, at, first, workAt);
      } catch (error) {
        first.putXor(at, first, at, first, workAt); // The mask once more: the share that it was.
        throw error;
      }
    } finally {
      first.wipe(workAt);
    }
  }

  /** Runs `work` while both regions are open, and closes those again that close at rest. */
  #opened<T>(work: () => T): T {
    const [first, second] = [this.#first.region, this.#second.region];
    if (first.atRest === 'read-write') return work();
    first.enter('write');
    try {
      second.enter('write');
      try {
        return work();
      } finally {
        second.leave('write');
        second.close();
      }
    } finally {
      first.leave('write');
      first.close();
    }
  }
}
