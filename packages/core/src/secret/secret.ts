import { INSPECT, REDACTED, toJSON } from '../common/redaction.js';
import { SecureMemoryError } from '../contract/errors.js';
import { ownOptions } from '../contract/own-properties.js';
import type { Engine } from '../engine.js';
import type { Ownership } from '../lifetime/ownership.js';
import type { PlaceHost } from '../placement/place-host.js';
import { Access, type AccessMode, runWithin, Use } from '../places/access.js';
import type { Receipt } from '../places/receipt.js';
import { type SealedSecret, sealedInternals } from '../sealing/sealed-secret.js';
import { equalRanges } from './constant-time.js';
import { Lease } from './lease.js';
import type { SecretInternals } from './secret-internals.js';

/** What `lend()` takes. */
export interface LendOptions {
  /** `'read'` unless told. */
  readonly mode?: AccessMode;
}

export let internals: SecretInternals;

/**
 * The handle of one secret. Holds no byte of it; the bytes lie in a place that the allocator granted, and go back to it
 * with `dispose()`.
 *
 * Every method but `dispose` throws `ERR_SECMEM_DISPOSED` once the secret is gone: disposed, released with its phase,
 * purged, or lost to an escaped view.
 */
export class Secret implements Disposable {
  /** See `redaction.ts`: shows a redaction in JSON, and makes cloning and posting throw. */
  readonly toJSON = toJSON;
  #owner: Ownership;
  #host: PlaceHost | undefined;
  #index: number;
  #generation: number;
  #use: Use | undefined = undefined;

  private constructor(owner: Ownership, host: PlaceHost, index: number) {
    this.#owner = owner;
    this.#host = host;
    this.#index = index;
    this.#generation = host.generationOf(index);
    owner.own(this);
    owner.engine.leaks.onBirth(this);
  }

  static {
    internals = {
      create(owner, host, index) {
        return new Secret(owner, host, index);
      },
      ownerOf: (secret) => secret.#owner,
      setOwner(secret, owner) {
        secret.#owner = owner;
      },
      placeOf: (secret) => ({ host: secret.#live('use'), index: secret.#index }),
      isOpen: (secret) => secret.#use !== undefined && !secret.#use.idle,
      setKept(secret, kept) {
        secret.#use ??= new Use();
        secret.#use.kept = kept;
      },
      isKept: (secret) => secret.#use?.kept ?? false,
      setWatched(secret) {
        secret.#use ??= new Use();
        secret.#use.watched = true;
      },
      isDisposed: (secret) => !secret.#isLive(),
      withBytes: (secret, mode, fn) => secret.#withBytes(mode, fn),
    };
  }

  /** In bytes; 0 once it is gone. */
  get byteLength(): number {
    return this.#isLive() ? (this.#host as PlaceHost).byteLengthOf(this.#index) : 0;
  }

  get disposed(): boolean {
    return !this.#isLive();
  }

  /** What protection this secret really has, now, and the reason for every weakness. */
  get receipt(): Receipt {
    return this.#engine.receipt(this.#live('receipt'));
  }

  /**
   * Calls `fn` with a view of the bytes, which is closed when it returns or throws. Many reads may overlap, but none with
   * a write of the same secret (`ERR_SECMEM_IN_USE`). The view must not be written to: with protection at rest that kills
   * the process. A returned promise is refused with `TypeError`. `ERR_SECMEM_VIEW_ESCAPED` when `fn` let the buffer go.
   *
   * A view that outlives the call has length 0, and some consumers take that for an empty key: hand secrets to `hmac` and
   * its kin instead of views to `node:crypto` wherever you can.
   */
  read<T>(fn: (bytes: Uint8Array) => T): T {
    return this.#within('read', fn);
  }

  /** The same for changing the bytes. Excludes every other access to this secret. */
  write<T>(fn: (bytes: Uint8Array) => T): T {
    return this.#within('write', fn);
  }

  /**
   * Opens a view that stays open until `lease.release()`. `mode` is `'read'` unless said otherwise; the same exclusions
   * hold as for `read` and `write`.
   */
  lend(options?: LendOptions): Lease {
    const { mode = 'read' } = ownOptions(options, ['mode'], 'options');
    if (mode !== 'read' && mode !== 'write') throw new TypeError("mode must be 'read' or 'write'");
    const access = this.#openAccess(mode);
    return new Lease(access, () => this.#dropIdleUse());
  }

  /**
   * Copies `source` to the beginning of the secret; bytes behind it stay. `RangeError` when it is longer than the secret.
   * The source is left as it is: `adopt` wipes it.
   */
  copyFrom(source: Uint8Array | Secret): void {
    if (source instanceof Secret) {
      source.#withBytes('read', (bytes) => this.copyFrom(bytes));
      return;
    }
    if (!(source instanceof Uint8Array)) throw new TypeError('source must be a Uint8Array');
    const { byteLength } = this;
    this.#withBytes('write', (bytes) => {
      if (source.length > byteLength) {
        throw new RangeError(`source has ${source.length} bytes, more than the secret`);
      }
      bytes.set(source);
    });
  }

  /** Compares in time that depends on the length alone. Secrets of different lengths are not equal. */
  equals(other: Secret | Uint8Array): boolean {
    if (other instanceof Secret) {
      const theirs = other.#slabBytes('read');
      if (theirs === undefined) return other.#within('read', (bytes) => this.equals(bytes));
      const { byteLength } = other;
      return this.#equalsRange(theirs, other.#byteOffset, byteLength);
    }
    if (!(other instanceof Uint8Array)) throw new TypeError('other must be a Secret or Uint8Array');
    return this.#equalsRange(other, 0, other.length);
  }

  #equalsRange(other: Uint8Array, start: number, byteLength: number): boolean {
    const own = this.#slabBytes('read');
    if (own === undefined) {
      return this.#within(
        'read',
        (bytes) => bytes.length === byteLength && equalRanges(bytes, 0, other, start, byteLength),
      );
    }
    return (
      this.byteLength === byteLength && equalRanges(own, this.#byteOffset, other, start, byteLength)
    );
  }

  /** A copy in ordinary memory, outside V8's moving heap. It is unprotected, and wiping it is yours. */
  exportCopy(): Uint8Array {
    return this.#withBytes('read', (bytes) => {
      const copy = new Uint8Array(new ArrayBuffer(bytes.length));
      copy.set(bytes);
      return copy;
    });
  }

  /**
   * Changes the length, at once and as a whole: added bytes are zero, bytes cut off are wiped. It stays on its backend,
   * with no weaker receipt; where it moves, the old place reads zero. Throws a capacity error, `ERR_SECMEM_IN_USE` with an
   * access open, or what the backend throws, and then nothing has changed. The exception is an old place that cannot be given
   * back, since bytes next to it were overwritten (`ERR_SECMEM_CANARY_MISMATCH`) or the backend refused: the secret is whole
   * in its new place then, with its new length, and the old one out of use.
   */
  resize(byteLength: number): void {
    const host = this.#live('resize');
    this.#engine.assertOpen('resize');
    this.#assertNotKept('resize');
    if (this.#use !== undefined && !this.#use.idle) throw this.#inUse('resize');
    const index = this.#index;
    const place = this.#engine.resize(host, index, byteLength);
    if (place.host === host && place.index === index) return;
    this.#host = place.host;
    this.#index = place.index;
    this.#generation = place.host.generationOf(place.index);
    if (this.#use?.watched) this.#engine.leaks.move(this, place.host, place.index);
    this.#engine.release(host, index);
  }

  /**
   * Turns it into ciphertext in ordinary memory: the slot is wiped and freed when this returns, and this handle is disposed.
   * `memory.open()` gives it back. Maps the sealing key's region the first time, one page.
   *
   * Throws a capacity error when that page cannot be had, `ERR_SECMEM_IN_USE` with an access open, or what the backend
   * throws, and then nothing has changed. `ERR_SECMEM_CANARY_MISMATCH` as with `dispose()`: then it is gone, not sealed.
   */
  seal(): SealedSecret {
    const host = this.#live('seal');
    this.#engine.assertOpen('seal');
    this.#assertNotKept('seal');
    if (this.#use !== undefined && !this.#use.idle) throw this.#inUse('seal');
    const sealed = sealedInternals.create(this.#engine, { host, index: this.#index });
    try {
      this.dispose();
    } catch (error) {
      sealed.dispose();
      throw error;
    }
    return sealed;
  }

  /**
   * Ends the handle. Idempotent. With no open access the bytes are wiped when this returns; with one open, when the last
   * is closed. Throws `ERR_SECMEM_CANARY_MISMATCH` when bytes next to it were overwritten; it is gone all the same.
   */
  dispose(): void {
    const host = this.#host;
    if (host === undefined) return;
    const use = this.#use;
    if (use !== undefined) this.#endUse(use);
    const owner = this.#owner;
    const index = this.#index;
    this.#host = undefined;
    if (use?.ended) return;
    owner.forget(this);
    if (host.isLive(index, this.#generation)) owner.engine.release(host, index);
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
    return 'Secret';
  }

  [INSPECT](): string {
    return REDACTED;
  }

  get #engine(): Engine {
    return this.#owner.engine;
  }

  #isLive(): boolean {
    return this.#host?.isLive(this.#index, this.#generation) ?? false;
  }

  #live(operation: string): PlaceHost {
    const host = this.#host;
    if (host === undefined || !host.isLive(this.#index, this.#generation)) {
      throw new SecureMemoryError('ERR_SECMEM_DISPOSED', 'the secret is gone', { operation });
    }
    return host;
  }

  #within<T>(mode: AccessMode, fn: (bytes: Uint8Array) => T): T {
    if (typeof fn !== 'function') throw new TypeError(`${mode}() takes a function`);
    const access = this.#openAccess(mode);
    try {
      return runWithin(access, fn, mode);
    } finally {
      this.#dropIdleUse();
    }
  }

  #openAccess(mode: AccessMode): Access {
    const host = this.#live(mode);
    const engine = this.#owner.engine;
    engine.assertOpen(mode);
    if (mode === 'write') this.#assertNotKept(mode);
    const use = this.#use ?? new Use();
    if (!use.admits(mode)) throw this.#inUse(mode);
    const access = new Access(engine, use, host, this.#index, mode);
    this.#use = use;
    return access;
  }

  #withBytes<T>(mode: AccessMode, fn: (bytes: Uint8Array) => T): T {
    const bytes = this.#slabBytes(mode);
    if (bytes === undefined) return this.#within(mode, fn);
    // A new array instead of `subarray`, which looks up the species and costs twice as much.
    return fn(new Uint8Array(bytes.buffer, this.#byteOffset, this.byteLength));
  }

  /**
   * Core's own bytes of the whole region, open for the rest of this turn, after every check of an access; undefined where
   * the backend has no views.
   */
  #slabBytes(mode: AccessMode): Uint8Array | undefined {
    const { region } = this.#live(mode);
    this.#owner.engine.assertOpen(mode);
    if (mode === 'write') this.#assertNotKept(mode);
    if (this.#use !== undefined && !this.#use.admits(mode)) throw this.#inUse(mode);
    return region.bytes(mode === 'read' ? 'read-only' : 'read-write');
  }

  get #byteOffset(): number {
    return (this.#host as PlaceHost).byteOffsetOf(this.#index);
  }

  #dropIdleUse(): void {
    const use = this.#use;
    if (!use?.idle) return;
    if (use.ended) this.#owner.forget(this);
    if (!use.kept && !use.watched) this.#use = undefined;
  }

  /** Whoever has an access open releases the place when the last is closed; a phase waits for that, and forgets it then. */
  #endUse(use: Use): void {
    this.#assertNotKept('dispose');
    if (use.watched) this.#owner.engine.leaks.untrack(this);
    if (!use.idle) use.ended = true;
  }

  #assertNotKept(operation: string): void {
    if (!this.#use?.kept) return;
    throw new SecureMemoryError(
      'ERR_SECMEM_IN_USE',
      `${operation} is not possible: the secret belongs to a store, whose set() and delete() change it`,
      { operation },
    );
  }

  #inUse(operation: string): SecureMemoryError {
    return new SecureMemoryError(
      'ERR_SECMEM_IN_USE',
      `${operation} is not possible while another access to this secret is open`,
      { operation },
    );
  }
}
