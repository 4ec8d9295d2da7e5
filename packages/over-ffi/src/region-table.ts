import type { Protection, RegionId } from '@securemem/core/contract';
import type { Address } from './address.js';

/** What the backend knows of one live region. */
export interface Region {
  readonly id: RegionId;
  readonly address: Address;
  readonly byteLength: number;
  /** As last set by a system call that succeeded. */
  protection: Protection;
  /** Views that are open, and those that escaped or stuck: while there is one, the pages must stay accessible. */
  viewsHeld: number;
}

/**
 * Ids count up and are never given out again, so each number is its own generation: a stale id is not in the table, and
 * the region that took its place has another. The count is shared by all instances of this module, so that an id of another
 * instance is refused as well, and starts far from where other backends do, which makes mixing them up an error too.
 */
let lastRegionId = 2 ** 48;

export class RegionTable {
  readonly #regions = new Map<RegionId, Region>();

  add(address: Address, byteLength: number): RegionId {
    lastRegionId += 1;
    const id = lastRegionId as RegionId;
    this.#regions.set(id, { id, address, byteLength, protection: 'read-write', viewsHeld: 0 });
    return id;
  }

  get(id: RegionId): Region | undefined {
    return this.#regions.get(id);
  }

  delete(id: RegionId): void {
    this.#regions.delete(id);
  }

  all(): Region[] {
    return [...this.#regions.values()];
  }
}
