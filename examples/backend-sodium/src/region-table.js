import { SecureMemoryError } from '@securemem/core/contract';

/** @typedef {import('@securemem/core/contract').RegionId} RegionId */

/** Counts up for ever, for all instances: an id is never used twice, so a stale or foreign one is simply not there. */
let lastId = 0;

/** Which regions an instance has, and whether it is still open. */
export class RegionTable {
  #name;
  #closed = false;
  /** @type {Map<RegionId, Uint8Array>} */
  #regions = new Map();

  /** @param {string} name */
  constructor(name) {
    this.#name = name;
  }

  /** @param {string} operation */
  requireOpen(operation) {
    if (!this.#closed) return;
    throw new SecureMemoryError('ERR_SECMEM_CLOSED', 'the backend is closed', {
      operation,
      backend: this.#name,
    });
  }

  /** @param {Uint8Array} bytes @returns {RegionId} */
  add(bytes) {
    lastId += 1;
    const region = /** @type {RegionId} */ (lastId);
    this.#regions.set(region, bytes);
    return region;
  }

  /** Every method that takes an id begins here. @param {RegionId} region @param {string} operation */
  find(region, operation) {
    this.requireOpen(operation);
    const bytes = this.#regions.get(region);
    if (bytes !== undefined) return bytes;
    throw new SecureMemoryError('ERR_SECMEM_DISPOSED', 'no live region has this id', {
      operation,
      backend: this.#name,
    });
  }

  /** @param {RegionId} region */
  remove(region) {
    this.#regions.delete(region);
  }

  /** Refuses everything from now on and hands over what is left. Can be called again. */
  close() {
    this.#closed = true;
    const left = [...this.#regions.values()];
    this.#regions.clear();
    return left;
  }
}
