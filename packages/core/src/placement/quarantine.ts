import type { View } from '../contract/region.js';
import type { Telemetry } from '../telemetry/events.js';
import type { PlaceHost } from './place-host.js';
import { Slab } from './slab.js';
import type { SlabPool } from './slab-pool.js';

/**
 * Slots that a view may still show: it escaped (somebody transferred its buffer) or is stuck (it refused to be detached).
 *
 * Such a slot is wiped at once and not used again while any view of it may live, and its region stays open and mapped, since
 * a touch of a closed page kills the process. A backend that can tell when the last alias became garbage ends the
 * quarantine; otherwise it lasts for the life of the process. There is a maximum, past which no more views are opened.
 */
export class Quarantine {
  readonly viewsMax: number;
  readonly #telemetry: Telemetry;
  readonly #pool: (host: PlaceHost) => SlabPool;
  readonly #isLent: (host: PlaceHost, index: number) => boolean;
  /** The views that were kept of each slot. None left: another lease of the same secret is still open. */
  readonly #cells = new Map<PlaceHost, Map<number, View[]>>();
  #slots = 0;
  #views = 0;

  /** `isLent` says whether any access to a slot is open, be it of a secret that has ended. */
  constructor(
    viewsMax: number,
    telemetry: Telemetry,
    pool: (host: PlaceHost) => SlabPool,
    isLent: (host: PlaceHost, index: number) => boolean,
  ) {
    this.viewsMax = viewsMax;
    this.#telemetry = telemetry;
    this.#pool = pool;
    this.#isLent = isLent;
  }

  /** Slots that are out of use because of a view. Several views may show one slot. */
  get slots(): number {
    return this.#slots;
  }

  /** How many of them are in this host. */
  slotsOf(host: PlaceHost): number {
    return this.#cells.get(host)?.size ?? 0;
  }

  get byteLength(): number {
    let total = 0;
    for (const [host, cells] of this.#cells) {
      for (const index of cells.keys()) total += host.byteLengthOf(index);
    }
    return total;
  }

  /** No more views may be opened: there might be no end to it. */
  get full(): boolean {
    return this.#views >= this.viewsMax;
  }

  /** Wipes the slot and keeps it out of use. Precondition: the view shows the slot. */
  admit(host: PlaceHost, index: number, view: View, outcome: 'escaped' | 'stuck'): void {
    const { region } = host;
    region.pin(`a view over it ${outcome === 'stuck' ? 'is stuck' : 'escaped'}`);
    this.#add(host, index, view);
    if (host.isUsed(index)) host.quarantine(index);
    else region.wipe(host.byteOffsetOf(index), host.byteLengthOf(index));
    if (host instanceof Slab && region.owner.atRest !== 'accessible') {
      this.#pool(host).close(host);
    }
    this.#telemetry.emit('quarantine', { outcome, slots: this.#slots });
  }

  /** Frees the slots that no view shows any more. True when there were any, or a region is free to go. */
  sweep(): boolean {
    let changed = false;
    for (const [host, cells] of this.#cells) {
      for (const [index, views] of cells) {
        const alive = views.filter((view) => view.aliasAlive() !== false);
        if (this.#letGo(host, index, alive, views.length - alive.length)) changed = true;
      }
    }
    return changed;
  }

  #add(host: PlaceHost, index: number, view: View): void {
    const cells = this.#cells.get(host) ?? new Map<number, View[]>();
    this.#cells.set(host, cells);
    const views = cells.get(index);
    if (views === undefined) this.#slots++;
    cells.set(index, [...(views ?? []), view]);
    this.#views++;
  }

  /** `garbage` views of a slot are no more; true when that changed anything. */
  #letGo(host: PlaceHost, index: number, alive: View[], garbage: number): boolean {
    const { region } = host;
    this.#views -= garbage;
    for (let i = 0; i < garbage; i++) region.unpin();
    if (alive.length > 0 || (!region.retired && this.#isLent(host, index))) {
      this.#cells.get(host)?.set(index, alive);
      return garbage > 0;
    }
    this.#slots--;
    this.#cells.get(host)?.delete(index);
    if (this.slotsOf(host) === 0) this.#cells.delete(host);
    if (region.retired) region.owner.retryRetired();
    else {
      host.readmit(index);
      const sound = region.pinned === 0 && region.losses === undefined;
      if (host instanceof Slab && sound) this.#pool(host).reopen(host);
    }
    return true;
  }
}
