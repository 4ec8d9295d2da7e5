import { isBytes } from '../common/bytes.js';
import { markKind, notA } from '../common/handle-kind.js';
import { makeHandles, REDACTED, toJSON } from '../common/redaction.js';
import { SecureMemoryError } from '../contract/errors.js';
import type { KeyType } from '../contract/keys.js';
import { ownOptions } from '../contract/own-properties.js';
import type { Place, PlaceHost } from '../placement/place-host.js';
import { Access, type AccessMode, Engagement, runWithin } from '../places/access.js';
import type { Places } from '../places/places.js';
import type { Receipt } from '../places/receipt.js';
import type { Granter, RequestOptions } from '../requests/granter.js';
import { createSealed, type SealedSecret } from '../sealing/sealed-secret.js';
import type { SealingKey } from '../sealing/sealing-key.js';
import { equalRanges } from './constant-time.js';
import { type Lease, leaseOf } from './lease.js';

/** What `lend()` takes. */
export interface LendOptions {
  /** `'read'` unless told. */
  readonly mode?: AccessMode;
}

/** Whoever reports handles that were forgotten. */
export interface HandleWatch {
  /** Called once for each new handle. */
  onBirth(secret: Secret): void;
  /** A watched secret lies in another place now. */
  move(secret: Secret, host: PlaceHost, index: number): void;
  /** A watched handle was disposed. */
  untrack(secret: Secret): void;
}

/** What a secret needs of whom it belongs to. */
export interface SecretOwner {
  readonly places: Places;
  readonly granter: Pick<Granter, 'mover'>;
  readonly sealingKey: SealingKey;
  readonly leaks: HandleWatch;
  /** A secret that belongs to the same owner, when there is a place. */
  allocate(byteLength: number, request: RequestOptions): Promise<Secret>;
  own(secret: Secret): void;
  forget(secret: Secret): void;
}

// Friends: what the rest of core may do with a handle, and nobody else, since the fields are private.

/** Whether it is a handle of this copy of the package, by what no other object has. */
export let isSecret: (value: unknown) => value is Secret;
/** The handle of a place that was just taken. */
export let createSecret: (owner: SecretOwner, host: PlaceHost, index: number) => Secret;
export let ownerOf: (secret: Secret) => SecretOwner;
export let setOwner: (secret: Secret, owner: SecretOwner) => void;
/** The place of a live secret. Throws `ERR_SECMEM_DISPOSED`. */
export let placeOf: (secret: Secret) => Place;
/** The same, once an access of this kind might begin: for work that touches the place without opening one. */
export let placeFor: (secret: Secret, mode: AccessMode) => Place;
/** Says that its second half is the public key of its first, which was derived here; whatever writes to it takes that back. */
export let setPaired: (secret: Secret) => void;
export let isPaired: (secret: Secret) => boolean;
/** Says what key it is, where a key file said so; whatever writes to it takes that back. */
export let setKeyType: (secret: Secret, type: KeyType) => void;
export let keyTypeIn: (secret: Secret) => KeyType | undefined;
/**
 * Moves it into a region of its own, where it is not in one: once, with the rules of `resize`, and with no weaker receipt. Throws
 * `ERR_SECMEM_IN_USE` with an access open also where it need not move.
 */
export let isolate: (secret: Secret) => void;
/** Whether a view or a lease of it is open. */
export let isLent: (secret: Secret) => boolean;
/** Says whether it belongs to a store, which alone may change or end it. */
export let setInStore: (secret: Secret, inStore: boolean) => void;
export let isInStore: (secret: Secret) => boolean;
/** Says that the leak detector watches it, for good: it is told of a move and of the end. */
export let setWatched: (secret: Secret) => void;
/**
 * Runs a synchronous consumer of core's own on the bytes where they lie, with no view of their own. Never given a function
 * of the user: what it gets is a window of the whole slab.
 */
export let withBytes: <T>(secret: Secret, mode: AccessMode, fn: (bytes: Uint8Array) => T) => T;

/**
 * The handle of one secret. Holds no byte of it; the bytes lie in a place that the allocator granted, and go back to it
 * with `dispose()`.
 *
 * Every method but `dispose` throws `ERR_SECMEM_DISPOSED` once the secret is gone: disposed, released with its phase,
 * purged, or lost to an escaped view.
 */
export class Secret implements Disposable {
  /** See `redaction.ts`: shows a redaction in JSON, and makes cloning and posting throw. */
  readonly toJSON: () => string = toJSON;
  #owner: SecretOwner;
  #host: PlaceHost | undefined;
  #index: number;
  #generation: number;
  #engagement: Engagement | undefined = undefined;

  private constructor(owner: SecretOwner, host: PlaceHost, index: number) {
    this.#owner = owner;
    this.#host = host;
    this.#index = index;
    this.#generation = host.generationOf(index);
    owner.own(this);
    owner.leaks.onBirth(this);
  }

  static {
    makeHandles(Secret.prototype, 'a secret', 'Secret');
    markKind(Secret.prototype, 'a Secret');
    isSecret = (value): value is Secret =>
      typeof value === 'object' && value !== null && #owner in value;
    createSecret = (owner, host, index) => new Secret(owner, host, index);
    ownerOf = (secret) => secret.#owner;
    setOwner = (secret, owner) => {
      secret.#owner = owner;
    };
    placeOf = (secret) => ({ host: secret.#live('use'), index: secret.#index });
    placeFor = (secret, mode) => ({ host: secret.#admit(mode), index: secret.#index });
    setPaired = (secret) => {
      secret.#engagement ??= new Engagement();
      secret.#engagement.paired = true;
    };
    setKeyType = (secret, type) => {
      secret.#engagement ??= new Engagement();
      secret.#engagement.keyType = type;
    };
    keyTypeIn = (secret) => secret.#engagement?.keyType;
    isolate = (secret) => secret.#isolate();
    isPaired = (secret) => secret.#engagement?.paired ?? false;
    isLent = (secret) => secret.#isLent;
    setInStore = (secret, inStore) => {
      secret.#engagement ??= new Engagement();
      secret.#engagement.inStore = inStore;
    };
    isInStore = (secret) => secret.#engagement?.inStore ?? false;
    setWatched = (secret) => {
      secret.#engagement ??= new Engagement();
      secret.#engagement.watched = true;
    };
    withBytes = (secret, mode, fn) => secret.#withBytes(mode, fn);
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
    const host = this.#live('receipt');
    const { places } = this.#owner;
    return places.receipt(places.placementOf(host), host);
  }

  /**
   * Calls `fn` with a view of the bytes, which is closed when it returns or throws. Many reads may overlap, but none with
   * a write of the same secret (`ERR_SECMEM_IN_USE`). The view must not be written to: with protection at rest that kills
   * the process. A returned promise is refused with `TypeError`. `ERR_SECMEM_VIEW_ESCAPED` when `fn` let the buffer go.
   *
   * A view that outlives the call has length 0, and some consumers take that for an empty key: hand secrets to `hmac` and
   * its kin instead of views to `node:crypto` wherever you can. Native work that goes on after the call (`fs.write` with a
   * callback, `randomFill`) cannot be stopped, and in the end touches whoever has the place next: `lend` until it is done.
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
    return leaseOf(access, () => this.#dropIdleUse());
  }

  /**
   * Copies `source` to the beginning of the secret; bytes behind it stay. `RangeError` when it is longer than the secret.
   * The source is left as it is: `adopt` wipes it.
   */
  copyFrom(source: Uint8Array | Secret): void {
    if (isSecret(source)) {
      source.#withBytes('read', (bytes) => this.copyFrom(bytes));
      return;
    }
    if (!isBytes(source)) throw notA('a Uint8Array or a Secret', 'source', source);
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
    if (isSecret(other)) {
      const theirs = other.#slabBytes('read');
      if (theirs === undefined) return other.#within('read', (bytes) => this.equals(bytes));
      const { byteLength } = other;
      return this.#equalsRange(theirs, other.#byteOffset, byteLength);
    }
    if (!isBytes(other)) throw notA('a Uint8Array or a Secret', 'other', other);
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
   * in its new place then, with its new length, and the old one out of use. `TypeError` or `RangeError` for anything but 1 to 2^30 bytes.
   */
  resize(byteLength: number): void {
    const host = this.#movable('resize');
    this.#engagement?.onWrite();
    this.#move(host, () => this.#owner.granter.mover.resize(host, this.#index, byteLength));
  }

  #isolate(): void {
    const host = this.#movable('isolate');
    this.#move(host, () => this.#owner.granter.mover.isolate(host, this.#index));
  }

  /** Where it lies, once it may go to another place. */
  #movable(operation: string): PlaceHost {
    const host = this.#live(operation);
    this.#owner.places.assertOpen(operation);
    this.#assertNotInStore(operation);
    if (this.#isLent) throw this.#inUse(operation);
    return host;
  }

  /** One step: the handle leads to its new place before anybody hears of what was given up for it. */
  #move(host: PlaceHost, find: () => Place): void {
    this.#owner.places.telemetry.outbox.during(() => this.#moveTo(host, find()));
  }

  #moveTo(host: PlaceHost, place: Place): void {
    const index = this.#index;
    if (place.host === host && place.index === index) return;
    this.#host = place.host;
    this.#index = place.index;
    this.#generation = place.host.generationOf(place.index);
    if (this.#engagement?.watched) this.#owner.leaks.move(this, place.host, place.index);
    this.#owner.places.release(host, index);
  }

  /**
   * Turns it into ciphertext in ordinary memory: the slot is wiped and freed when this returns, and this handle is disposed.
   * `memory.open()` gives it back. Maps the pages of the sealing key the first time.
   *
   * Throws a capacity error when that page cannot be had, `ERR_SECMEM_IN_USE` with an access open, or what the backend
   * throws, and then nothing has changed. `ERR_SECMEM_CANARY_MISMATCH` as with `dispose()`: then it is gone, not sealed.
   */
  seal(): SealedSecret {
    const host = this.#live('seal');
    this.#owner.places.assertOpen('seal');
    this.#assertNotInStore('seal');
    if (this.#isLent) throw this.#inUse('seal');
    const sealed = createSealed(this.#owner.sealingKey, { host, index: this.#index });
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
    const engagement = this.#engagement;
    if (engagement !== undefined) this.#endUse(engagement);
    const owner = this.#owner;
    const index = this.#index;
    this.#host = undefined;
    if (engagement?.ended) return;
    owner.forget(this);
    if (host.isLive(index, this.#generation)) owner.places.release(host, index);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  toString(): string {
    return REDACTED;
  }

  get #isLent(): boolean {
    return this.#engagement !== undefined && !this.#engagement.idle;
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
    const host = this.#admit(mode);
    const engagement = this.#engagement ?? new Engagement();
    const access = new Access(this.#owner.places, engagement, host, this.#index, mode);
    this.#engagement = engagement;
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
    const { region } = this.#admit(mode);
    return region.bytes(mode === 'read' ? 'read-only' : 'read-write');
  }

  /** Every check of an access. Whoever may write is taken to have written. */
  #admit(mode: AccessMode): PlaceHost {
    const host = this.#live(mode);
    this.#owner.places.assertOpen(mode);
    const engagement = this.#engagement;
    if (engagement === undefined) return host;
    if (mode === 'write') this.#assertNotInStore(mode);
    if (!engagement.admits(mode)) throw this.#inUse(mode);
    if (mode === 'write') engagement.onWrite();
    return host;
  }

  get #byteOffset(): number {
    return (this.#host as PlaceHost).byteOffsetOf(this.#index);
  }

  #dropIdleUse(): void {
    const engagement = this.#engagement;
    if (!engagement?.idle) return;
    if (engagement.ended) this.#owner.forget(this);
    if (!engagement.lasts) this.#engagement = undefined;
  }

  /** Whoever has an access open releases the place when the last is closed; a phase waits for that, and forgets it then. */
  #endUse(engagement: Engagement): void {
    this.#assertNotInStore('dispose');
    if (engagement.watched) this.#owner.leaks.untrack(this);
    if (!engagement.idle) engagement.ended = true;
  }

  #assertNotInStore(operation: string): void {
    if (!this.#engagement?.inStore) return;
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

/** Throws `TypeError`, with what was given instead, for what is no secret of this copy of the package. */
export function requireSecret(value: unknown, name: string): void {
  if (!isSecret(value)) throw notA('a Secret', name, value);
}
