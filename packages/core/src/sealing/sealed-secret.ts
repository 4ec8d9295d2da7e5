import { markKind, notA } from '../common/handle-kind.js';
import { makeHandles, REDACTED, toJSON } from '../common/redaction.js';
import { SecureMemoryError } from '../contract/errors.js';
import { zero } from '../contract/zero.js';
import type { Place } from '../placement/place-host.js';
import { NO_STORE } from './associated-data.js';
import { TAG_BYTE_LENGTH, unsealFailed } from './cipher.js';
import type { SealingKey } from './sealing-key.js';

// Friends: what the rest of core may do with a sealed secret, and nobody else, since the fields are private.

/** Encrypts the secret at `place`, which stays as it is. Throws with nothing changed. */
export let createSealed: (key: SealingKey, place: Place) => SealedSecret;
/** Throws `TypeError` for what is no sealed secret of this copy of the package. */
export let requireSealed: (value: unknown, name: string) => void;
export let keyOf: (sealed: SealedSecret) => SealingKey;
/** Decrypts into a place of `openableByteLength` bytes. Throws `ERR_SECMEM_UNSEAL_FAILED`, and the place reads zero. */
export let unsealInto: (sealed: SealedSecret, place: Place) => void;
/** The length of what opens. Throws `ERR_SECMEM_DISPOSED`, or `ERR_SECMEM_UNSEAL_FAILED` when its key is gone. */
export let openableByteLength: (sealed: SealedSecret) => number;

const NOTHING = new Uint8Array(0);

/**
 * A secret as AES-256-GCM ciphertext in ordinary memory, made by `secret.seal()`. It takes no locked memory; only the key
 * does, once for all. `memory.open(sealed)` gives the secret back, as often as needed, until this is disposed.
 *
 * What was changed in memory since (a bit, the length, or the whole replaced by another sealed secret) does not open:
 * `ERR_SECMEM_UNSEAL_FAILED`. After a purge nothing that was sealed before opens any more, with the same error. It belongs
 * to its allocator, not to a phase, and cannot be opened in another process or stored for later: its key exists only here.
 */
export class SealedSecret implements Disposable {
  /** See `redaction.ts`: shows a redaction in JSON, and makes cloning and posting throw. */
  readonly toJSON: () => string = toJSON;
  readonly #key: SealingKey;
  readonly #counter: number;
  #bytes: Uint8Array;

  private constructor(key: SealingKey, counter: number, bytes: Uint8Array) {
    this.#key = key;
    this.#counter = counter;
    this.#bytes = bytes;
  }

  static {
    makeHandles(SealedSecret.prototype, 'a sealed secret', 'SealedSecret');
    markKind(SealedSecret.prototype, 'a SealedSecret');
    requireSealed = (value, name) => {
      if (typeof value === 'object' && value !== null && #key in value) return;
      throw notA('a SealedSecret', name, value);
    };
    createSealed = (key, place) => {
      const byteLength = place.host.byteLengthOf(place.index);
      const bytes = new Uint8Array(new ArrayBuffer(byteLength + TAG_BYTE_LENGTH));
      return new SealedSecret(key, key.seal(place, NO_STORE, bytes), bytes);
    };
    keyOf = (sealed) => sealed.#key;
    unsealInto = (sealed, place) => {
      sealed.#assertOpenable();
      sealed.#key.unseal(sealed.#counter, NO_STORE, sealed.#bytes, place);
    };
    openableByteLength = (sealed) => {
      sealed.#assertOpenable();
      return sealed.byteLength;
    };
  }

  /** Of the secret inside, in bytes; 0 once this is disposed. */
  get byteLength(): number {
    return Math.max(0, this.#bytes.length - TAG_BYTE_LENGTH);
  }

  /** Whether it has ended: it opens no more. */
  get disposed(): boolean {
    return this.#bytes === NOTHING;
  }

  /** Ends it: the ciphertext is zeroed, and the key goes with the last ciphertext that needs it. Idempotent. */
  dispose(): void {
    const bytes = this.#bytes;
    if (bytes === NOTHING) return;
    this.#bytes = NOTHING;
    zero(bytes);
    this.#key.forget(this.#counter);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  toString(): string {
    return REDACTED;
  }

  #assertOpenable(): void {
    if (this.disposed) {
      throw new SecureMemoryError('ERR_SECMEM_DISPOSED', 'the sealed secret is gone', {
        operation: 'open',
      });
    }
    this.#key.assertKnown(this.#counter);
    if (this.byteLength === 0) throw unsealFailed('the sealed bytes were cut short');
  }
}
