import { isBytes } from '../common/bytes.js';
import { notA } from '../common/handle-kind.js';
import { SecureMemoryError } from '../contract/errors.js';
import { zero } from '../contract/zero.js';
import type { Ownership } from '../lifetime/ownership.js';
import { checkByteLength } from '../lifetime/request.js';
import type { OnCapacity } from '../options.js';
import type { Place } from '../placement/place-host.js';
import type { RequestOptions } from '../requests/granter.js';
import { isInStore, isLent, isSecret, ownerOf, placeOf, type Secret } from '../secret/secret.js';
import type { SealedEntries } from './sealed-entries.js';
import type { StoreIndex } from './store-index.js';

/** Seals what is put into a store, as entries that no name leads to yet. After a throw nothing has changed. */
export class Intake {
  readonly #owner: Ownership;
  readonly #index: StoreIndex;
  readonly #entries: SealedEntries;
  readonly #assertOpen: (operation: string) => void;

  /** `assertOpen` throws when the store or its allocator has ended. */
  constructor(
    owner: Ownership,
    index: StoreIndex,
    entries: SealedEntries,
    assertOpen: (operation: string) => void,
  ) {
    this.#assertOpen = assertOpen;
    this.#owner = owner;
    this.#index = index;
    this.#entries = entries;
  }

  /** A slot in which to seal bytes, when there is one. A secret needs none: it has its own. */
  scratchFor(source: Uint8Array | Secret, request: RequestOptions): Promise<Secret> | undefined {
    if (isSecret(source)) return undefined;
    return this.#owner.allocate(checkSource(source), request);
  }

  scratchForSync(
    source: Uint8Array | Secret,
    onCapacity: OnCapacity | undefined,
  ): Secret | undefined {
    if (isSecret(source)) return undefined;
    return this.#owner.allocateSync(checkSource(source), onCapacity);
  }

  /**
   * Seals a source, by way of `slot` where it is bytes. The slot is freed in any case, and the bytes are wiped last, since
   * the release of the slot may find it damaged.
   */
  take(name: string, source: Uint8Array | Secret, slot: Secret | undefined): number {
    if (slot === undefined) return this.takeSecret(name, source as Secret);
    const bytes = source as Uint8Array;
    let id: number;
    try {
      id = this.#sealBytes(name, slot, bytes);
    } catch (error) {
      slot.dispose();
      throw error;
    }
    this.#release(slot, id);
    zero(bytes);
    return id;
  }

  /** Seals a secret from where it lies, and disposes it. */
  takeSecret(name: string, secret: Secret): number {
    this.#assertOpen('set');
    const place = placeOf(secret);
    if (ownerOf(secret).places !== this.#owner.places) {
      throw new SecureMemoryError(
        'ERR_SECMEM_INPUT_INVALID',
        'the secret is of another allocator, whose pages this one does not know',
        { operation: 'set' },
      );
    }
    if (isLent(secret) || isInStore(secret)) {
      throw new SecureMemoryError(
        'ERR_SECMEM_IN_USE',
        'set() is not possible while an access to the secret is open, or while it belongs to a store',
        { operation: 'set' },
      );
    }
    const id = this.#seal(name, place);
    this.#release(secret, id);
    return id;
  }

  /** Seals bytes by way of a slot of their length, which stays, and wipes them. */
  takeBytes(name: string, scratch: Secret, bytes: Uint8Array): number {
    const id = this.#sealBytes(name, scratch, bytes);
    zero(bytes);
    return id;
  }

  #sealBytes(name: string, scratch: Secret, bytes: Uint8Array): number {
    this.#assertOpen('set');
    // Gone where a purge came between the grant and this step; its length is 0 then, and says nothing of the source.
    const place = placeOf(scratch);
    if (bytes.length !== scratch.byteLength) {
      throw new TypeError('the source changed its length while the call waited');
    }
    return this.#seal(name, place, () => scratch.copyFrom(bytes));
  }

  /** One step: the secret is where it was when it is sealed, although making room for the entry may end others. */
  #seal(name: string, place: Place, fill = (): void => {}): number {
    return this.#owner.places.telemetry.outbox.during(() => {
      if (this.#index.idOf(name) === undefined) this.#entries.assertRoom();
      fill();
      return this.#entries.seal(name, place);
    });
  }

  /** Releases what was sealed from. The entry goes when that throws, or when somebody who is told of it ends the store. */
  #release(secret: Secret, id: number): void {
    try {
      secret.dispose();
      this.#assertOpen('set');
    } catch (error) {
      this.#entries.remove(id);
      throw error;
    }
  }
}

export function checkSource(source: Uint8Array): number {
  if (!isBytes(source)) throw notA('a Uint8Array or a Secret', 'source', source);
  return checkByteLength(source.length);
}
