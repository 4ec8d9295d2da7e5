import type { MemoryBackend } from '../contract/backend.js';
import type { Protection } from '../contract/capabilities.js';
import type { KeyReference } from '../contract/keys.js';
import type { RegionFacts, RegionId, View } from '../contract/region.js';
import { zero } from '../contract/zero.js';
import type { AtRest } from '../options.js';

const RANK: Record<Protection, number> = { 'no-access': 0, 'read-only': 1, 'read-write': 2 };

/** What a region does not have any more, as it was found; what it has is left out. */
export type Losses = Partial<RegionFacts>;

/** Of a region that has all that is claimed. Without a prototype, where a fact that is lost might be found. */
export const NO_LOSSES: Losses = Object.freeze(Object.create(null) as Losses);

/** What a region asks of whoever mapped it. */
export interface RegionOwner {
  readonly backend: MemoryBackend;
  /** The level at rest that secrets have here. */
  readonly atRest: AtRest;
  /** An access has left the region, or its secret: it is to be closed. */
  onLeft(region: Region): void;
  /** Closes the region at the end of this turn. */
  closeLater(region: Region): void;
  onProtectionFailed(region: Region, error: unknown): void;
  unmap(region: Region): boolean;
  retryRetired(): boolean;
}

/**
 * One mapped region: the only caller of `protect`, and the only one who hands out core's own view of the bytes.
 *
 * Who may touch a page, and when: an access raises the protection at once to what it needs; leaving an access lowers
 * nothing by itself. At the end of the turn (one microtask, however many accesses ended in it) the region goes back to
 * the most permissive level that its open accesses need, and to the level at rest when there is none.
 */
export class Region {
  readonly owner: RegionOwner;
  readonly backend: MemoryBackend;
  readonly id: RegionId;
  readonly byteLength: number;
  /** Its protection outside any access. */
  readonly atRest: Protection;

  /** Core's own view of the whole region, for the life of the region; undefined where the backend has no views and for keys. */
  ownView: View | undefined = undefined;
  /** By which other code of this process uses the private key in it, and the type it is taken for. */
  #keyReference: { readonly type: string; readonly reference: KeyReference } | undefined =
    undefined;
  #words: Int32Array | undefined = undefined;
  #doubles: Float64Array | undefined = undefined;
  /** The same, only while the region may be written to. */
  writableDoubles: Float64Array | undefined = undefined;

  /** What the kernel enforces now. */
  protection: Protection = 'read-write';
  /** Open accesses, by what they need. */
  readers = 0;
  writers = 0;
  /** True while the region waits for the end of the turn to be closed again. */
  closing = false;
  /** Why the region could not be closed at rest, if it could not. */
  openBecause: string | undefined = undefined;

  /** What the kernel says it has no more, since the last look; undefined while it has all that is claimed. */
  losses: Losses | undefined = undefined;
  /** When the kernel was asked about it last, in milliseconds since 1970: at its mapping, and by each look that it answered. */
  checkedAtMs = Date.now();

  /** Views of user code over this region that are open now. */
  views = 0;
  /** A view of user code was ever opened over it: somebody may still have a raw pointer into it. */
  shown = false;
  /** Views that escaped or refused to be revoked and may still be alive: the region stays open and mapped. */
  pinned = 0;
  /** Nothing new is placed here; the region goes when its last view has gone. */
  retired = false;
  /** Wiped, nobody's and still mapped, since an `unmap` failed or there was no time for it: it goes later. */
  stranded = false;
  /** Set by a sweep while nothing lives here, cleared by use: two sweeps in a row make a region idle. */
  idle = false;

  constructor(owner: RegionOwner, id: RegionId, byteLength: number, atRest: Protection) {
    this.owner = owner;
    this.backend = owner.backend;
    this.id = id;
    this.byteLength = byteLength;
    this.atRest = atRest;
  }

  /**
   * Core's own view of the region, as bytes, accessible to the level asked for until the end of this turn. Undefined where
   * the backend has no views or the region cannot be opened: then the backend's `read`, `write` and `wipe` do the work.
   */
  bytes(level: 'read-only' | 'read-write'): Uint8Array | undefined {
    if (level === 'read-write') this.endKeyReference();
    if (this.ownView === undefined) return undefined;
    if (!this.#openForTurn(level)) return undefined;
    return this.ownView.bytes;
  }

  /** The same as `bytes`, in words of the machine's byte order. */
  words(level: 'read-only' | 'read-write'): Int32Array | undefined {
    if (this.protection === 'read-write') return this.#words;
    if (this.#words === undefined) return undefined;
    if (!this.#openForTurn(level)) return undefined;
    return this.#words;
  }

  /**
   * The same in steps of eight bytes, to be written to. What is looked up for every release is one field, since comparing
   * the name of a protection costs three times as much.
   */
  doubles(): Float64Array | undefined {
    return this.writableDoubles ?? this.#openDoubles();
  }

  /** Bytes of it that are locked, as far as the last look at the kernel knows. */
  get lockedByteLength(): number {
    if (this.backend.capabilities.locking !== 'locked') return 0;
    return this.losses?.lockedByteLength ?? this.byteLength;
  }

  /** The open reference of the key in it. */
  get keyReference(): KeyReference | undefined {
    return this.#keyReference?.reference;
  }

  /** The same where the key is taken for this type; whatever else it was taken for ends. */
  keyReferenceOf(type: string): KeyReference | undefined {
    if (this.#keyReference?.type !== type) this.endKeyReference();
    return this.keyReference;
  }

  /** From now on the key is used by this name, until anything in the region may change. Precondition: there is none. */
  refer(type: string, reference: KeyReference): void {
    this.#keyReference = { type, reference };
  }

  /** Ends it, if there is one, once nothing reads the key by it any more. */
  endKeyReference(): void {
    const open = this.#keyReference;
    if (open === undefined) return;
    this.#keyReference = undefined;
    open.reference.close();
  }

  /** Copies bytes of the region to `target`, whatever the state of the region. */
  read(byteOffset: number, target: Uint8Array): void {
    if (target.length === 0) return;
    const bytes = this.bytes('read-only');
    if (bytes === undefined) this.backend.read(this.id, byteOffset, target);
    else target.set(bytes.subarray(byteOffset, byteOffset + target.length));
  }

  /** Copies `source` into the region, whatever the state of the region. */
  write(byteOffset: number, source: Uint8Array): void {
    if (source.length === 0) return;
    const bytes = this.bytes('read-write');
    if (bytes === undefined) this.backend.write(this.id, byteOffset, source);
    else bytes.set(source, byteOffset);
  }

  /** Zeroes a range, whatever the state of the region. */
  wipe(byteOffset: number, byteLength: number): void {
    const bytes = this.bytes('read-write');
    if (bytes === undefined) this.backend.wipe(this.id, byteOffset, byteLength);
    else zero(bytes, byteOffset, byteOffset + byteLength);
  }

  /** Lends a range to `fn`, to be read: where it lies, or else as a copy that is wiped afterwards. */
  withBytes<T>(byteOffset: number, byteLength: number, fn: (bytes: Uint8Array) => T): T {
    const bytes = this.bytes('read-only');
    if (bytes !== undefined) return fn(bytes.subarray(byteOffset, byteOffset + byteLength));
    const copy = new Uint8Array(new ArrayBuffer(byteLength));
    try {
      this.backend.read(this.id, byteOffset, copy);
      return fn(copy);
    } finally {
      zero(copy);
    }
  }

  /** Counts an access in and makes the region at least as accessible as it needs. */
  enter(mode: 'read' | 'write'): void {
    const needed: Protection = mode === 'write' ? 'read-write' : 'read-only';
    if (mode === 'write') this.endKeyReference();
    if (RANK[this.protection] < RANK[needed]) this.#protect(needed);
    if (mode === 'write') this.writers++;
    else this.readers++;
  }

  /** Counts an access out; the region closes at the end of this turn, or now where views are isolated. */
  leave(mode: 'read' | 'write'): void {
    if (mode === 'write') this.writers--;
    else this.readers--;
    this.owner.onLeft(this);
  }

  /** A view escaped or is stuck: from now on the region stays open and mapped until `unpin`. */
  pin(reason: string): void {
    this.endKeyReference();
    this.pinned++;
    this.openBecause = reason;
    if (this.protection === 'read-write') return;
    try {
      this.#protect('read-write');
    } catch (error) {
      // A touch through that view kills the process then, instead of showing zeros; the secret must end all the same.
      this.owner.onProtectionFailed(this, error);
    }
  }

  unpin(): void {
    this.pinned--;
    if (this.pinned > 0) return;
    this.openBecause = undefined;
    this.closeLater();
  }

  /** Lowers the protection at the end of this turn to what the open accesses need by then. */
  closeLater(): void {
    if (this.atRest === 'read-write' || this.closing) return;
    this.closing = true;
    this.owner.closeLater(this);
  }

  /** The same now. Precondition: the region is mapped. */
  close(): void {
    const needed = this.neededProtection();
    if (RANK[this.protection] <= RANK[needed]) return;
    try {
      this.#protect(needed);
      this.openBecause = undefined;
    } catch (error) {
      this.openBecause = 'the system refused to close its pages';
      this.owner.onProtectionFailed(this, error);
    }
  }

  /** Somebody else changed the protection: what the kernel says is true, and is put right at the end of this turn. */
  adoptProtection(protection: Protection): void {
    if (this.protection === protection) return;
    this.#noteProtection(protection);
    this.closeLater();
  }

  /** Opens core's own view. Throws what the backend throws. */
  openOwnView(): void {
    const view = this.backend.openView(this.id, 0, this.byteLength);
    this.ownView = view;
    this.#words = new Int32Array(view.bytes.buffer, 0, this.byteLength >>> 2);
    this.#doubles = new Float64Array(view.bytes.buffer, 0, this.byteLength >>> 3);
    this.writableDoubles = this.#doubles;
  }

  closeOwnView(): void {
    this.ownView?.close();
    this.ownView = undefined;
    this.#words = undefined;
    this.#doubles = undefined;
    this.writableDoubles = undefined;
  }

  #openDoubles(): Float64Array | undefined {
    if (this.#doubles === undefined) return undefined;
    return this.#openForTurn('read-write') ? this.#doubles : undefined;
  }

  #openForTurn(level: 'read-only' | 'read-write'): boolean {
    if (this.protection === 'read-write' || this.protection === level) return true;
    try {
      this.#protect(level);
    } catch {
      return false;
    }
    this.closeLater();
    return true;
  }

  #protect(protection: Protection): void {
    this.backend.protect(this.id, protection);
    this.#noteProtection(protection);
  }

  #noteProtection(protection: Protection): void {
    this.protection = protection;
    this.writableDoubles = protection === 'read-write' ? this.#doubles : undefined;
  }

  /** The most permissive level that its open accesses need, or the level at rest. */
  neededProtection(): Protection {
    if (this.writers > 0 || this.pinned > 0) return 'read-write';
    if (this.readers > 0 && this.atRest === 'no-access') return 'read-only';
    return this.atRest;
  }
}
