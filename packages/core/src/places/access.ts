import { SecureMemoryError } from '../contract/errors.js';
import type { KeyType } from '../contract/keys.js';
import type { View, ViewOutcome } from '../contract/region.js';
import { zero } from '../contract/zero.js';
import type { PlaceHost } from '../placement/place-host.js';
import type { Outbox } from '../telemetry/outbox.js';
import type { AccessList, Linked } from './access-list.js';
import { restCopy } from './resting-copies.js';

/** What an access may do to the bytes. */
export type AccessMode = 'read' | 'write';

/** What an access needs to know of the allocator. */
export interface AccessHost {
  /** Why views are not opened any more, if so: accesses then lend copies. */
  readonly viewsStopped: string | undefined;
  readonly openAccesses: AccessList<Access>;
  readonly telemetry: { readonly outbox: Outbox };
  /** The last access to a secret that was disposed meanwhile ended: its place is due. */
  release(host: PlaceHost, index: number): void;
  /** `roomMade`: memory that a purge could not take under the access has gone now. */
  onAccessClosed(roomMade: boolean): void;
  /** A view escaped or is stuck. The slot is in quarantine when this returns. */
  onViewLost(access: Access, view: View, outcome: 'escaped' | 'stuck'): void;
}

/**
 * Who has to do with one secret beside its owner: many readers or one writer, a store, the leak detector. Exists only while
 * there is anybody, which for most secrets is never: a million handles have one field for all of it.
 */
export class Engagement {
  readers = 0;
  writing = false;
  /** The handle was disposed: whoever closes the last access releases the place. */
  ended = false;
  /** A store keeps it: its users read it and do nothing else. */
  inStore = false;
  /** The leak detector watches it. */
  watched = false;
  /** Its second half is the public key of its first, which this package derived, and nobody has written to it since. */
  paired = false;
  /** What key it is, as the file said that it came from; nobody has written to it since. */
  keyType: KeyType | undefined = undefined;

  /** Somebody may write to it: what was known of the bytes is not known any more. */
  onWrite(): void {
    this.paired = false;
    this.keyType = undefined;
  }

  /** Whether there is something to remember while no access is open. */
  get lasts(): boolean {
    return this.inStore || this.watched || this.paired || this.keyType !== undefined;
  }

  /** Whether no access is open. */
  get idle(): boolean {
    return this.readers === 0 && !this.writing;
  }

  /** Whether one more access of this kind may begin. */
  admits(mode: AccessMode): boolean {
    return mode === 'read' ? !this.writing : this.idle;
  }
}

/**
 * One opening of one secret, and the only opener of views.
 *
 * Where the backend has views, `bytes` is a fresh ArrayBuffer over exactly the secret, which `close` makes zero bytes
 * long. Elsewhere it is a fresh copy outside V8's moving heap; `close` copies it back after a write, wipes it and
 * detaches it. Either way nothing of it is reachable afterwards.
 *
 * Who may touch the page, and when:
 *
 * - The program, between the constructor and `close`, and no other bytes than those of the secret: many readers of one
 *   secret or one writer (`Engagement`), while its neighbours have accesses of their own. The page is open as far as the access
 *   needs it from `enter` on, and until the end of the turn in which the last access to it has left (`Region`).
 * - Core, at any time, through `Region` alone and in steps that nothing can come between.
 * - Nobody, once the secret has ended. It ends when it was disposed and its last access closes: then the slot is wiped and
 *   given back. A purge wipes at once, and the page stays mapped until `close`. A view that cannot be taken back wipes the
 *   secret too, and its slot is kept from everybody while that view, or another lease, may show it (`Quarantine`).
 */
export class Access implements Linked<Access> {
  readonly host: PlaceHost;
  readonly index: number;
  /** Of the slot when the access began: a purge in between ends it. */
  readonly generation: number;
  readonly mode: AccessMode;
  readonly bytes: Uint8Array;
  /** Its neighbours in the list of open accesses, which alone changes them. */
  older: Access | undefined;
  newer: Access | undefined;
  readonly #allocator: AccessHost;
  readonly #engagement: Engagement;
  readonly #view: View | undefined;
  #open = true;

  /** Precondition: `engagement.admits(mode)`. After a throw nothing is open and nothing counted. */
  constructor(
    allocator: AccessHost,
    engagement: Engagement,
    host: PlaceHost,
    index: number,
    mode: AccessMode,
  ) {
    const { region } = host;
    this.#allocator = allocator;
    this.#engagement = engagement;
    this.host = host;
    this.index = index;
    this.generation = host.generationOf(index);
    this.mode = mode;
    region.enter(mode);
    try {
      const byteLength = host.byteLengthOf(index);
      const byteOffset = host.byteOffsetOf(index);
      if (region.ownView !== undefined && allocator.viewsStopped === undefined) {
        this.#view = region.backend.openView(region.id, byteOffset, byteLength);
        this.bytes = this.#view.bytes;
        host.show(index);
      } else {
        this.bytes = new Uint8Array(new ArrayBuffer(byteLength));
        region.backend.read(region.id, byteOffset, this.bytes);
      }
    } catch (error) {
      region.leave(mode);
      throw error;
    }
    region.views++;
    if (mode === 'write') engagement.writing = true;
    else engagement.readers++;
    allocator.openAccesses.add(this);
  }

  /** Whether the secret it was opened for is still there: false after a purge. */
  get current(): boolean {
    return this.host.isLive(this.index, this.generation);
  }

  /**
   * Ends the access. Idempotent. Throws `ERR_SECMEM_VIEW_ESCAPED` when the bytes could not be taken back: the secret is
   * wiped and ended then, and its slot in quarantine; all the rest of closing has been done.
   */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    const view = this.#view;
    let outcome: ViewOutcome = 'revoked';
    let problem: SecureMemoryError | undefined;
    try {
      if (view === undefined) problem = this.#closeCopy();
      else outcome = view.close();
    } finally {
      if (outcome === 'revoked') this.#leave();
    }
    if (outcome !== 'revoked') problem = this.#lose(view as View, outcome);
    if (problem !== undefined) throw problem;
  }

  /** Zeroes a lent copy now; a view shows the region, which the purge wipes itself. */
  wipeCopy(): void {
    if (this.#view === undefined && this.bytes.length > 0) zero(this.bytes);
  }

  #leave(): void {
    const { region } = this.host;
    const engagement = this.#engagement;
    this.#allocator.openAccesses.delete(this);
    if (this.mode === 'write') engagement.writing = false;
    else engagement.readers--;
    region.views--;
    region.leave(this.mode);
    // Of the accesses to a disposed secret the last one wipes; of those to a page that was purged, the last one unmaps.
    const { retired } = region;
    try {
      if (engagement.ended && engagement.idle && this.current)
        this.#allocator.release(this.host, this.index);
      if (retired) region.owner.retryRetired();
    } finally {
      this.#allocator.onAccessClosed(retired);
    }
  }

  /** The slot is out of use and the access has left before anybody hears of it. */
  #lose(view: View, outcome: 'escaped' | 'stuck'): SecureMemoryError {
    const { outbox } = this.#allocator.telemetry;
    outbox.hold();
    try {
      this.#allocator.onViewLost(this, view, outcome);
    } finally {
      try {
        this.#leave();
      } finally {
        outbox.letGo();
      }
    }
    const how = outcome === 'escaped' ? 'was transferred to somebody else' : 'cannot be detached';
    return new SecureMemoryError(
      'ERR_SECMEM_VIEW_ESCAPED',
      `a view of a secret ${how}; the secret was wiped and its slot is out of use`,
      { operation: this.mode, backend: this.host.region.backend.name },
    );
  }

  #closeCopy(): SecureMemoryError | undefined {
    const { host, bytes } = this;
    const { region } = host;
    const { backend } = region;
    if (bytes.length !== host.byteLengthOf(this.index) && this.current) {
      return new SecureMemoryError(
        'ERR_SECMEM_VIEW_ESCAPED',
        'a lent copy of a secret was transferred to somebody else, who holds it unprotected now',
        { operation: this.mode, backend: backend.name, details: { copy: true } },
      );
    }
    try {
      if (this.mode === 'write' && this.current) {
        backend.write(region.id, host.byteOffsetOf(this.index), bytes);
      }
    } finally {
      zero(bytes);
      restCopy(bytes.buffer as ArrayBuffer);
    }
    return undefined;
  }
}

/**
 * Runs `fn` with the bytes and closes the access, on return and on throw. A promise is refused: the view would be closed
 * before the work behind it began.
 */
export function runWithin<T>(access: Access, fn: (bytes: Uint8Array) => T, name: string): T {
  let result: T;
  try {
    result = fn(access.bytes);
  } catch (error) {
    try {
      access.close();
    } catch (escaped) {
      if (escaped instanceof Error && escaped.cause === undefined) {
        Object.defineProperty(escaped, 'cause', { value: error, configurable: true });
      }
      throw escaped;
    }
    throw error;
  }
  access.close();
  if (isThenable(result)) {
    result.then(undefined, () => {});
    throw new TypeError(
      `${name}() takes a synchronous function, and this one returned a promise: use lend() to hold a view across an await`,
    );
  }
  return result;
}

/** Whether awaiting it would wait. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}
