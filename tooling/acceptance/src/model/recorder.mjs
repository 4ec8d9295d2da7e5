import { SecureMemoryError } from '@securemem/core';

/** @typedef {import('@securemem/core').MemoryBackend} MemoryBackend */
/** @typedef {{ region: any, byteOffset: number, byteLength: number }} Location */

/**
 * A backend that remembers which regions there are and where the last access went, and keeps a lock limit of its own that
 * a test can change. So a model can look at the bytes behind the allocator's back, on any backend, real or simulated.
 *
 * @implements {MemoryBackend}
 */
export class RecordingBackend {
  /** @type {Location | undefined} */
  lastAccess;
  limitByteLength = 0;
  mappedByteLength = 0;
  /** @type {Map<any, number>} lengths of the regions that are mapped */
  regions = new Map();
  /** @type {Set<() => unknown>} how views that were opened and not given back are closed */
  #closes = new Set();
  contractVersion = /** @type {const} */ (1);

  /**
   * `broken` takes a protection out, to see that it is missed: `wipe` leaves the bytes, `close` leaves the view.
   * @param {MemoryBackend} inner
   * @param {{ limitByteLength: number, views: boolean, broken?: 'wipe' | 'close' }} options
   */
  constructor(inner, { limitByteLength, views, broken }) {
    this.broken = broken;
    this.inner = inner;
    this.name = inner.name;
    this.limitByteLength = limitByteLength;
    this.pageByteLength = inner.pageByteLength;
    this.capabilities = views ? inner.capabilities : { ...inner.capabilities, views: 'none' };
  }

  lockLimit() {
    return { kind: 'bytes', byteLength: this.limitByteLength };
  }

  raiseLockLimit() {
    return this.lockLimit();
  }

  lockedByteLength() {
    return this.inner.lockedByteLength();
  }

  map(byteLength) {
    if (this.mappedByteLength + byteLength > this.limitByteLength) {
      const details = { limit: 'lock', requestedByteLength: byteLength };
      const { name: backend } = this;
      throw new SecureMemoryError('ERR_SECMEM_LOCK_LIMIT', 'full', {
        operation: 'map',
        backend,
        details,
      });
    }
    const region = this.inner.map(byteLength);
    this.regions.set(region, byteLength);
    this.mappedByteLength += byteLength;
    return region;
  }

  protect(region, protection) {
    this.inner.protect(region, protection);
  }

  wipe(region, byteOffset, byteLength) {
    if (this.broken === 'wipe') return;
    this.inner.wipe(region, byteOffset, byteLength);
  }

  read(region, byteOffset, target) {
    this.inner.read(region, byteOffset, target);
    this.lastAccess = { region, byteOffset, byteLength: target.length };
  }

  write(region, byteOffset, source) {
    this.inner.write(region, byteOffset, source);
  }

  openView(region, byteOffset, byteLength) {
    const view = this.inner.openView(region, byteOffset, byteLength);
    this.lastAccess = { region, byteOffset, byteLength };
    const close = view.close.bind(view);
    this.#closes.add(close);
    view.close = () => {
      if (this.broken === 'close') return 'revoked';
      const outcome = close();
      if (outcome === 'revoked') this.#closes.delete(close);
      return outcome;
    };
    return view;
  }

  inspect(regions) {
    return this.inner.inspect(regions);
  }

  unmap(region) {
    this.inner.unmap(region);
    this.mappedByteLength -= this.regions.get(region) ?? 0;
    this.regions.delete(region);
  }

  seal(...args) {
    this.inner.seal(...args);
  }

  unseal(...args) {
    this.inner.unseal(...args);
  }

  [Symbol.dispose]() {
    this.inner[Symbol.dispose]();
  }

  /** What a region holds now, under any protection. */
  peek(region) {
    const bytes = new Uint8Array(new ArrayBuffer(this.regions.get(region) ?? 0));
    this.inner.read(region, 0, bytes);
    return bytes;
  }

  /** Gives back what no allocator is responsible for any more, so that the backend serves the next run. */
  clear() {
    // An allocator leaves its own view on what it leaves mapped, and no region goes under a view.
    for (const close of this.#closes) close();
    this.#closes.clear();
    for (const region of [...this.regions.keys()]) this.unmap(region);
  }
}
