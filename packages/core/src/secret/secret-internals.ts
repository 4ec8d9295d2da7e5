import type { Ownership } from '../lifetime/ownership.js';
import type { Place, PlaceHost } from '../placement/place-host.js';
import type { AccessMode } from '../places/access.js';
import type { Secret } from './secret.js';

/** What the rest of core may do with a handle, and nobody else: the fields are private. */
export interface SecretInternals {
  create(owner: Ownership, host: PlaceHost, index: number): Secret;
  ownerOf(secret: Secret): Ownership;
  setOwner(secret: Secret, owner: Ownership): void;
  /** The place of a live secret. Throws `ERR_SECMEM_DISPOSED`. */
  placeOf(secret: Secret): Place;
  /** Whether a view or a lease of it is open. */
  isOpen(secret: Secret): boolean;
  /** Says whether it belongs to a store, which alone may change or end it. */
  setKept(secret: Secret, kept: boolean): void;
  isKept(secret: Secret): boolean;
  /** Says that the leak detector watches it, for good: it is told of a move and of the end. */
  setWatched(secret: Secret): void;
  isDisposed(secret: Secret): boolean;
  /**
   * Runs a synchronous consumer of core's own on the bytes where they lie, with no view of their own. Never given a
   * function of the user: what it gets is a window of the whole slab.
   */
  withBytes<T>(secret: Secret, mode: AccessMode, fn: (bytes: Uint8Array) => T): T;
}
