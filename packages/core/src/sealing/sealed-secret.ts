import { INSPECT, REDACTED, toJSON } from '../common/redaction.js';
import { SecureMemoryError } from '../contract/errors.js';
import type { Engine } from '../engine.js';
import type { Place } from '../placement/place-host.js';
import { NO_STORE } from './associated-data.js';
import { TAG_BYTE_LENGTH, unsealFailed } from './cipher.js';

/** What the rest of core may do with a sealed secret, and nobody else: the fields are private. */
export interface SealedInternals {
  /** Encrypts the secret at `place`, which stays as it is. Throws with nothing changed. */
  create(engine: Engine, place: Place): SealedSecret;
  engineOf(sealed: SealedSecret): Engine;
  /** Decrypts into a place of `byteLength` bytes. Throws `ERR_SECMEM_UNSEAL_FAILED`, and the place reads zero. */
  unseal(sealed: SealedSecret, place: Place): void;
  /** The length of what opens. Throws `ERR_SECMEM_DISPOSED`, or `ERR_SECMEM_UNSEAL_FAILED` when its key is gone. */
  openable(sealed: SealedSecret): number;
  /** Ciphertext and tag as they lie in ordinary memory. */
  bytesOf(sealed: SealedSecret): Uint8Array;
  /** Puts other bytes in their place, as whoever can write to ordinary memory could. */
  setBytes(sealed: SealedSecret, bytes: Uint8Array): void;
}

export let sealedInternals: SealedInternals;

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
  readonly toJSON = toJSON;
  readonly #engine: Engine;
  readonly #counter: number;
  #bytes: Uint8Array;

  private constructor(engine: Engine, counter: number, bytes: Uint8Array) {
    this.#engine = engine;
    this.#counter = counter;
    this.#bytes = bytes;
  }

  static {
    sealedInternals = {
      create(engine, place) {
        const byteLength = place.host.byteLengthOf(place.index);
        const bytes = new Uint8Array(new ArrayBuffer(byteLength + TAG_BYTE_LENGTH));
        return new SealedSecret(engine, engine.sealingKey.seal(place, NO_STORE, bytes), bytes);
      },
      engineOf: (sealed) => sealed.#engine,
      unseal(sealed, place) {
        sealed.#assertOpenable();
        sealed.#engine.sealingKey.unseal(sealed.#counter, NO_STORE, sealed.#bytes, place);
      },
      openable(sealed) {
        sealed.#assertOpenable();
        return sealed.byteLength;
      },
      bytesOf: (sealed) => sealed.#bytes,
      setBytes(sealed, bytes) {
        sealed.#bytes = bytes;
      },
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
    bytes.fill(0);
    this.#engine.sealingKey.forget(this.#counter);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  toString(): string {
    return REDACTED;
  }

  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  get [Symbol.toStringTag](): string {
    return 'SealedSecret';
  }

  [INSPECT](): string {
    return REDACTED;
  }

  #assertOpenable(): void {
    if (this.disposed) {
      throw new SecureMemoryError('ERR_SECMEM_DISPOSED', 'the sealed secret is gone', {
        operation: 'open',
      });
    }
    this.#engine.sealingKey.assertKnown(this.#counter);
    if (this.byteLength === 0) throw unsealFailed('the sealed bytes were cut short');
  }
}
