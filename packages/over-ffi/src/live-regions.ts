import { type Protection, type RegionId, requireRange } from '@securemem/core/contract';
import { type Address, offsetBy } from './address.js';
import type { BackendErrors } from './errors.js';
import { type Region, RegionTable } from './region-table.js';
import type { System } from './system.js';

/** Protections from the weakest to the strongest. */
export const LEVELS: Readonly<Record<Protection, number>> = {
  'read-write': 0,
  'read-only': 1,
  'no-access': 2,
};

/** A checked part of a live region. */
export interface Part {
  readonly region: Region;
  readonly address: Address;
  readonly byteLength: number;
}

/** The regions of one backend, and how each is opened for the length of one operation. */
export class LiveRegions {
  readonly table = new RegionTable();
  /** Set when the backend is closed: every later look is refused. */
  closed = false;
  readonly #system: System;
  readonly #errors: BackendErrors;

  constructor(system: System, errors: BackendErrors) {
    this.#system = system;
    this.#errors = errors;
  }

  requireOpen(operation: string): void {
    if (this.closed)
      throw this.#errors.own('ERR_SECMEM_CLOSED', operation, 'the backend is closed');
  }

  find(id: RegionId, operation: string): Region {
    this.requireOpen(operation);
    const region = this.table.get(id);
    if (region !== undefined) return region;
    throw this.#errors.own('ERR_SECMEM_DISPOSED', operation, 'no live region has this id');
  }

  part(id: RegionId, byteOffset: number, byteLength: number, operation: string): Part {
    const region = this.find(id, operation);
    requireRange(byteOffset, byteLength, region.byteLength);
    return { region, address: offsetBy(region.address, byteOffset), byteLength };
  }

  protect(region: Region, protection: Protection, operation: string): void {
    this.#system.protect(region, protection, operation);
    region.protection = protection;
  }

  /** Runs `work` while the region is at least as open as `needed`, and closes it again whatever happens. */
  opened<T>(region: Region, needed: Protection, operation: string, work: () => T): T {
    const before = region.protection;
    if (LEVELS[before] <= LEVELS[needed]) return work();
    this.protect(region, needed, operation);
    try {
      return work();
    } finally {
      this.protect(region, before, operation);
    }
  }
}
