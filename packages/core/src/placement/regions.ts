import { inSlices } from '../common/slice.js';
import type { MemoryBackend } from '../contract/backend.js';
import type { Protection } from '../contract/capabilities.js';
import type { AtRest } from '../options.js';
import type { Telemetry } from '../telemetry/events.js';
import type { Outbox } from '../telemetry/outbox.js';
import type { SealingKeyForm } from './key-form.js';
import { type Losses, Region, type RegionOwner } from './region.js';

/**
 * Work for the end of a turn: `queueMicrotask` makes an asynchronous resource for each, which a promise does not. Taken at
 * import, so that a program that patches the prototype later does not take part in closing pages.
 */
const settled = Promise.resolve();
const then = Function.prototype.call.bind(Promise.prototype.then) as (
  promise: Promise<void>,
  fn: () => void,
) => Promise<void>;

/** The regions of one backend: maps and unmaps them, and is the only caller of `map` and `unmap`. */
export class Regions implements RegionOwner {
  readonly backend: MemoryBackend;
  /** The level at rest that this backend really gives. */
  readonly atRest: AtRest;
  readonly all = new Set<Region>();
  /** Bytes of all mapped regions: what is charged to the budget. */
  mappedByteLength = 0;
  /** Bytes of them that are locked, as far as the last look at the kernel knows. */
  lockedByteLength = 0;
  mapCount = 0;
  unmapCount = 0;
  /** Regions that nobody uses again: wiped, still mapped and charged, since the system refused them or there was no time. */
  strandedCount = 0;
  /** Called whenever there is one more, by which its owner sees to it that it goes. */
  onStranded: () => void = () => {};

  readonly #telemetry: Telemetry;
  readonly #atRestProtection: Protection;
  readonly #isolateViews: boolean;
  #closing: Region[] = [];

  /** With `isolateViews` a page closes when its last access ends. */
  constructor(backend: MemoryBackend, atRest: AtRest, telemetry: Telemetry, isolateViews = false) {
    this.backend = backend;
    this.atRest = atRest;
    this.#telemetry = telemetry;
    this.#isolateViews = isolateViews;
    this.#atRestProtection = atRest === 'accessible' ? 'read-write' : atRest;
  }

  /**
   * Maps a region, read-write and zeroed. Throws what the backend throws; then nothing exists and nothing is counted, unless
   * the system also refuses to take the region back: then it is wiped, counted and tried again like any other.
   */
  map(byteLength: number): Region {
    const region = this.#mapped(byteLength, this.#atRestProtection);
    this.#show(region);
    region.closeLater();
    return region;
  }

  /**
   * Maps a region for keys of our own, whose protection at rest their form decides, not the level of secrets. It is open
   * until `close`. Throws as `map` does.
   */
  mapForKeys(byteLength: number, form: SealingKeyForm): Region {
    const { protection } = this.backend.capabilities;
    const open = form === 'two-shares' || protection === 'none';
    const region = this.#mapped(byteLength, open ? 'read-write' : protection);
    if (form !== 'one-page') this.#show(region);
    return region;
  }

  /**
   * Wipes a region and gives it back to the system. False when it must stay or could not go: with views that may be alive
   * it is only wiped; after a failed `unmap` it is wiped, reported, and tried again by the clock and by whoever needs its room.
   */
  unmap(region: Region): boolean {
    region.endKeyReference();
    if (region.views > 0 || region.pinned > 0) {
      region.retired = true;
      this.backend.wipe(region.id, 0, region.byteLength);
      return false;
    }
    region.closeOwnView();
    try {
      this.backend.unmap(region.id);
    } catch (error) {
      this.#strand(region);
      this.#telemetry.emit('release-failed', { byteLength: region.byteLength, error });
      return false;
    }
    if (region.stranded) this.strandedCount--;
    this.all.delete(region);
    this.mappedByteLength -= region.byteLength;
    this.lockedByteLength -= region.lockedByteLength;
    this.unmapCount++;
    return true;
  }

  /**
   * Wipes a region, which stays mapped; true when it may be used again, as far as `reusable` says so. What a view may show stays
   * until the last one has gone, and what else is not used again goes later. What cannot be wiped goes now, since the
   * system wipes it too.
   */
  clear(region: Region, reusable: boolean): boolean {
    try {
      region.endKeyReference();
      if (region.views > 0 || region.pinned > 0) region.retired = true;
      this.backend.wipe(region.id, 0, region.byteLength);
    } catch (error) {
      this.#telemetry.emit('release-failed', { byteLength: region.byteLength, error });
      this.unmapQuietly(region);
      return false;
    }
    if (region.retired) return false;
    if (reusable && region.losses === undefined) return true;
    this.#strand(region);
    return false;
  }

  /** Nobody uses any region from now on: each goes back when it can. */
  retireAll(): void {
    for (const region of this.all) region.retired = true;
  }

  /** Wipes every region and gives back each that may go, some in each turn. What fails for one does not keep it from the others. */
  async unmapAll(): Promise<void> {
    await inSlices(
      this.all,
      (region) => this.unmapQuietly(region),
      (slice) => this.outbox.during(slice),
    );
  }

  /** As `unmap`; what it throws is published. */
  unmapQuietly(region: Region): void {
    try {
      this.unmap(region);
    } catch (error) {
      this.#telemetry.emit('release-failed', { byteLength: region.byteLength, error });
    }
  }

  /**
   * Tries again what an earlier `unmap` could not do, and lets go of retired regions whose last view has gone. True when any
   * went.
   */
  retryRetired(): boolean {
    const { unmapCount } = this;
    for (const region of this.retired()) this.unmap(region);
    return this.unmapCount > unmapCount;
  }

  /** Regions that nobody will use again and no view shows any more. */
  *retired(): Generator<Region> {
    for (const region of this.all) {
      if (region.retired && region.views === 0 && region.pinned === 0) yield region;
    }
  }

  /** From now on a region lacks `losses`, and nothing else of what is claimed. */
  noteLosses(region: Region, losses: Losses | undefined): void {
    this.lockedByteLength -= region.lockedByteLength;
    region.losses = losses;
    region.checkedAtMs = Date.now();
    this.lockedByteLength += region.lockedByteLength;
  }

  /** Publishes which protections a region was found without. */
  tellLosses({ byteLength, losses = {} }: Region): void {
    const lost = Object.keys(losses) as (keyof Losses)[];
    this.#telemetry.emit('protection-lost', { byteLength, lost });
  }

  /** Holds what is to be told of these regions while a step is under way. */
  get outbox(): Outbox {
    return this.#telemetry.outbox;
  }

  onLeft(region: Region): void {
    if (this.#isolateViews) region.close();
    else region.closeLater();
  }

  closeLater(region: Region): void {
    this.#closing.push(region);
    if (this.#closing.length === 1) then(settled, this.#closeNow);
  }

  onProtectionFailed({ byteLength }: Region, error: unknown): void {
    this.#telemetry.emit('protection-failed', { byteLength, error });
  }

  readonly #closeNow = (): void => {
    const regions = this.#closing;
    this.#closing = [];
    this.outbox.during(() => {
      for (const region of regions) {
        region.closing = false;
        if (this.all.has(region)) region.close();
      }
    });
  };

  #strand(region: Region): void {
    if (!region.stranded) this.strandedCount++;
    region.stranded = true;
    region.retired = true;
    this.onStranded();
  }

  /** Opens core's own view where the backend has views; where that fails the region is gone. */
  #show(region: Region): void {
    if (this.backend.capabilities.views !== 'revocable') return;
    try {
      region.openOwnView();
    } catch (error) {
      this.unmap(region);
      throw error;
    }
  }

  #mapped(byteLength: number, atRest: Protection): Region {
    const region = new Region(this, this.backend.map(byteLength), byteLength, atRest);
    this.all.add(region);
    this.mappedByteLength += byteLength;
    this.lockedByteLength += region.lockedByteLength;
    this.mapCount++;
    return region;
  }
}
