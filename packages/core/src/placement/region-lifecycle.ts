import type { MemoryBackend } from '../contract/backend.js';
import type { Protection } from '../contract/capabilities.js';
import type { AtRest } from '../options.js';
import type { Telemetry } from '../telemetry/events.js';
import { Region } from './region.js';

const RANK: Record<Protection, number> = { 'no-access': 0, 'read-only': 1, 'read-write': 2 };

/** Taken at import, so that a program that patches the prototype later does not take part in wiping. */
/** What is to be done at the end of a turn. `queueMicrotask` makes an asynchronous resource for each, which a promise does not. */
const settled = Promise.resolve();
const then = Function.prototype.call.bind(Promise.prototype.then) as (
  promise: Promise<void>,
  fn: () => void,
) => Promise<void>;

const fill = Function.prototype.call.bind(Uint8Array.prototype.fill) as (
  bytes: Uint8Array,
  value: number,
  start: number,
  end: number,
) => Uint8Array;

/**
 * The only caller of `map`, `protect` and `unmap`, and the only one who hands out core's own view of a region.
 *
 * Who may touch a page, and when: an access raises the protection at once to what it needs; leaving an access lowers
 * nothing by itself. At the end of the turn (one microtask, however many accesses ended in it) each region goes back to
 * the most permissive level that its open accesses need, and to the level at rest when there is none.
 */
export class RegionLifecycle {
  readonly backend: MemoryBackend;
  /** The level at rest that this backend really gives. */
  readonly atRest: AtRest;
  readonly regions = new Set<Region>();
  /** Bytes of all mapped regions: what is charged to the budget. */
  mappedByteLength = 0;
  mapCount = 0;
  unmapCount = 0;
  protectFailures = 0;
  /** Regions that the system refused to take back: wiped, still mapped and charged, to be tried again. */
  strandedCount = 0;
  /** Called whenever it refused one, by which its owner sees to it that it is tried again. */
  onStranded: () => void = () => {};

  readonly #telemetry: Telemetry;
  readonly #atRestProtection: Protection;
  #closingRegions: Region[] = [];

  constructor(backend: MemoryBackend, atRest: AtRest, telemetry: Telemetry) {
    this.backend = backend;
    this.atRest = atRest;
    this.#telemetry = telemetry;
    this.#atRestProtection = atRest === 'accessible' ? 'read-write' : atRest;
  }

  /**
   * Maps a region, read-write and zeroed. Throws what the backend throws; then nothing exists and nothing is counted, unless
   * the system also refuses to take the region back: then it is wiped, counted and tried again like any other.
   */
  map(byteLength: number): Region {
    const region = this.#mapped(byteLength, this.#atRestProtection);
    if (this.backend.capabilities.views === 'revocable') {
      try {
        const view = this.backend.openView(region.id, 0, byteLength);
        region.ownView = view;
        region.ownWords = new Int32Array(view.bytes.buffer, 0, byteLength >>> 2);
        region.ownDoubles = new Float64Array(view.bytes.buffer, 0, byteLength >>> 3);
        region.writableDoubles = region.ownDoubles;
      } catch (error) {
        this.unmap(region);
        throw error;
      }
    }
    this.#closeLater(region);
    return region;
  }

  /**
   * Maps a region for keys of our own: closed at rest as far as the backend goes, whatever the level of secrets is, and
   * without a view of core's own. It is open until `close`.
   */
  mapClosed(byteLength: number): Region {
    const { protection } = this.backend.capabilities;
    return this.#mapped(byteLength, protection === 'none' ? 'read-write' : protection);
  }

  /** Lowers the protection of a region now to what its open accesses need, instead of at the end of the turn. */
  close(region: Region): void {
    const needed = this.#neededBy(region);
    if (!this.regions.has(region) || RANK[region.protection] <= RANK[needed]) return;
    try {
      this.#protect(region, needed);
      region.openBecause = undefined;
    } catch (error) {
      this.protectFailures++;
      region.openBecause = 'the system refused to close its pages';
      this.#telemetry.emit('protection-failed', { byteLength: region.byteLength, error });
    }
  }

  /**
   * Wipes a region and gives it back to the system. False when it must stay or could not go: with views that may be alive
   * it is only wiped; after a failed `unmap` it is wiped, reported, and tried again by the clock and by whoever needs its room.
   */
  unmap(region: Region): boolean {
    if (region.views > 0 || region.pinned > 0) {
      region.retired = true;
      this.backend.wipe(region.id, 0, region.byteLength);
      return false;
    }
    region.ownView?.close();
    region.ownView = undefined;
    region.ownWords = undefined;
    region.ownDoubles = undefined;
    region.writableDoubles = undefined;
    try {
      this.backend.unmap(region.id);
    } catch (error) {
      if (!region.stranded) this.strandedCount++;
      region.stranded = true;
      region.retired = true;
      this.#telemetry.emit('release-failed', { byteLength: region.byteLength, error });
      this.onStranded();
      return false;
    }
    if (region.stranded) this.strandedCount--;
    this.regions.delete(region);
    this.mappedByteLength -= region.byteLength;
    this.unmapCount++;
    return true;
  }

  /** Wipes every region and gives back each that may go. What fails for one does not keep it from the others. */
  unmapAll(): void {
    for (const region of this.regions) {
      try {
        this.unmap(region);
      } catch (error) {
        this.#telemetry.emit('release-failed', { byteLength: region.byteLength, error });
      }
    }
  }

  /** Tries again what an earlier `unmap` could not do, and lets go of retired regions whose last view has gone. */
  retryRetired(): void {
    for (const region of this.regions) {
      if (region.retired && region.views === 0 && region.pinned === 0) this.unmap(region);
    }
  }

  /** Counts an access in and makes the region at least as accessible as it needs. */
  enter(region: Region, mode: 'read' | 'write'): void {
    const needed: Protection = mode === 'write' ? 'read-write' : 'read-only';
    if (RANK[region.protection] < RANK[needed]) this.#protect(region, needed);
    if (mode === 'write') region.writers++;
    else region.readers++;
  }

  /** Counts an access out; the region closes at the end of this turn. */
  leave(region: Region, mode: 'read' | 'write'): void {
    if (mode === 'write') region.writers--;
    else region.readers--;
    this.#closeLater(region);
  }

  /**
   * Core's own view of the region, as bytes, accessible to the level asked for until the end of this turn. This function,
   * `words` and `doubles` are the only ones that touch it. Undefined where the backend has no views or the region cannot be opened:
   * then the backend's `read`, `write` and `wipe` do the work.
   */
  bytes(region: Region, level: 'read-only' | 'read-write'): Uint8Array | undefined {
    if (region.ownView === undefined) return undefined;
    if (!this.#openForTurn(region, level)) return undefined;
    return region.ownView.bytes;
  }

  /** The same as `bytes`, in words of the machine's byte order. */
  words(region: Region, level: 'read-only' | 'read-write'): Int32Array | undefined {
    if (region.protection === 'read-write') return region.ownWords;
    if (region.ownWords === undefined) return undefined;
    if (!this.#openForTurn(region, level)) return undefined;
    return region.ownWords;
  }

  /**
   * The same in steps of eight bytes, to be written to. What is looked up for every release is one field, since comparing
   * the name of a protection costs three times as much.
   */
  doubles(region: Region): Float64Array | undefined {
    return region.writableDoubles ?? this.#openDoubles(region);
  }

  /** Zeroes a range, whatever the state of the region. */
  wipe(region: Region, byteOffset: number, byteLength: number): void {
    const bytes = this.bytes(region, 'read-write');
    if (bytes === undefined) this.backend.wipe(region.id, byteOffset, byteLength);
    else fill(bytes, 0, byteOffset, byteOffset + byteLength);
  }

  /** A view escaped or is stuck: from now on the region stays open and mapped until `unpin`. */
  pin(region: Region, reason: string): void {
    region.pinned++;
    region.openBecause = reason;
    if (region.protection === 'read-write') return;
    try {
      this.#protect(region, 'read-write');
    } catch (error) {
      // A touch through that view kills the process then, instead of showing zeros; the secret must end all the same.
      this.protectFailures++;
      this.#telemetry.emit('protection-failed', { byteLength: region.byteLength, error });
    }
  }

  unpin(region: Region): void {
    region.pinned--;
    if (region.pinned > 0) return;
    region.openBecause = undefined;
    this.#closeLater(region);
  }

  #openDoubles(region: Region): Float64Array | undefined {
    if (region.ownDoubles === undefined) return undefined;
    return this.#openForTurn(region, 'read-write') ? region.ownDoubles : undefined;
  }

  #openForTurn(region: Region, level: 'read-only' | 'read-write'): boolean {
    if (region.protection === 'read-write' || region.protection === level) return true;
    try {
      this.#protect(region, level);
    } catch {
      return false;
    }
    this.#closeLater(region);
    return true;
  }

  #protect(region: Region, protection: Protection): void {
    this.backend.protect(region.id, protection);
    region.protection = protection;
    region.writableDoubles = protection === 'read-write' ? region.ownDoubles : undefined;
  }

  #closeLater(region: Region): void {
    if (region.atRest === 'read-write' || region.closing) return;
    region.closing = true;
    this.#closingRegions.push(region);
    if (this.#closingRegions.length === 1) then(settled, this.#closeNow);
  }

  readonly #closeNow = (): void => {
    const regions = this.#closingRegions;
    this.#closingRegions = [];
    for (const region of regions) {
      region.closing = false;
      this.close(region);
    }
  };

  #neededBy(region: Region): Protection {
    if (region.writers > 0 || region.pinned > 0) return 'read-write';
    if (region.readers > 0 && region.atRest === 'no-access') return 'read-only';
    return region.atRest;
  }

  #mapped(byteLength: number, atRest: Protection): Region {
    const region = new Region(this, this.backend.map(byteLength), byteLength, atRest);
    this.regions.add(region);
    this.mappedByteLength += byteLength;
    this.mapCount++;
    return region;
  }
}
