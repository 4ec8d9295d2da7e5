import type { View } from '../contract/region.js';
import type { Telemetry } from '../telemetry/events.js';
import type { PlaceHost } from './place-host.js';
import { Slab } from './slab.js';
import type { SlabPool } from './slab-pool.js';

interface Inmate {
  readonly host: PlaceHost;
  readonly index: number;
  readonly view: View;
}

/**
 * Slots that a view may still show: it escaped (somebody transferred its buffer) or is stuck (it refused to be detached).
 *
 * Such a slot is wiped at once and not used again while the view may live, and its region stays open and mapped, since a
 * touch of a closed page kills the process. A backend that can tell when the last alias became garbage ends the
 * quarantine; otherwise it lasts for the life of the process. There is a maximum, past which no more views are opened.
 */
export class Quarantine {
  readonly slotsMax: number;
  readonly #telemetry: Telemetry;
  readonly #pool: (host: PlaceHost) => SlabPool;
  #inmates: Inmate[] = [];

  constructor(slotsMax: number, telemetry: Telemetry, pool: (host: PlaceHost) => SlabPool) {
    this.slotsMax = slotsMax;
    this.#telemetry = telemetry;
    this.#pool = pool;
  }

  get slots(): number {
    return this.#inmates.length;
  }

  get byteLength(): number {
    let total = 0;
    for (const { host, index } of this.#inmates) total += host.byteLengths[index] as number;
    return total;
  }

  /** No more views may be opened: there might be no end to it. */
  get full(): boolean {
    return this.#inmates.length >= this.slotsMax;
  }

  /** Wipes the slot and keeps it out of use. Precondition: the slot is in use. */
  admit(host: PlaceHost, index: number, view: View, outcome: 'escaped' | 'stuck'): void {
    const { region } = host;
    region.lifecycle.pin(region, `a view over it ${outcome === 'stuck' ? 'is stuck' : 'escaped'}`);
    this.#inmates.push({ host, index, view });
    if (host.isUsed(index)) host.quarantine(index);
    else region.lifecycle.wipe(region, host.byteOffsetOf(index), host.byteLengths[index] as number);
    if (host instanceof Slab && region.lifecycle.atRest !== 'accessible') {
      this.#pool(host).close(host);
    }
    this.#telemetry.emit('quarantine', { outcome, slots: this.#inmates.length });
  }

  /** Frees the slots whose views are garbage. True when there were any. */
  sweep(): boolean {
    if (this.#inmates.length === 0) return false;
    const freed = this.#inmates.filter(({ view }) => view.aliasAlive() === false);
    if (freed.length === 0) return false;
    this.#inmates = this.#inmates.filter((inmate) => !freed.includes(inmate));
    for (const { host, index } of freed) {
      const { region } = host;
      region.lifecycle.unpin(region);
      if (region.retired) region.lifecycle.retryRetired();
      else if (!this.#inmates.some((other) => other.host === host && other.index === index)) {
        host.readmit(index);
        if (host instanceof Slab && region.pinned === 0) this.#pool(host).reopen(host);
      }
    }
    return true;
  }
}
