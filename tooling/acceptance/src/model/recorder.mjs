import { SecureMemoryError } from '@securemem/core';

/** @typedef {import('@securemem/core').MemoryBackend} MemoryBackend */
/** @typedef {import('@securemem/core').RegionId} RegionId */
/** @typedef {{ region: RegionId, byteOffset: number, byteLength: number }} Location */

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
  /** @type {Map<RegionId, number>} lengths of the regions that are mapped */
  regions = new Map();
  /** @type {Set<() => unknown>} how views that were opened and not given back are closed */
  #closes = new Set();
  contractVersion = /** @type {const} */ (1);

  /**
   * `broken` takes a protection out, to see that it is missed: `wipe` leaves the bytes, `close` leaves the view.
   * @param {MemoryBackend} inner
   * @param {{ limitByteLength: number, views: boolean, broken?: 'wipe' | 'close' | undefined }} options
   */
  constructor(inner, { limitByteLength, views, broken }) {
    this.broken = broken;
    this.inner = inner;
    this.name = inner.name;
    this.limitByteLength = limitByteLength;
    this.pageByteLength = inner.pageByteLength;
    /** @type {MemoryBackend['capabilities']} */
    this.capabilities = views ? inner.capabilities : { ...inner.capabilities, views: 'none' };
  }

  /** @returns {import('@securemem/core').LockLimit} */
  lockLimit() {
    return { kind: 'bytes', byteLength: this.limitByteLength };
  }

  raiseLockLimit() {
    return this.lockLimit();
  }

  lockedByteLength() {
    return this.inner.lockedByteLength();
  }

  /** @param {number} byteLength */
  map(byteLength) {
    if (this.mappedByteLength + byteLength > this.limitByteLength) {
      /** @type {import('@securemem/core').ErrorDetails} */
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

  /** @param {RegionId} region @param {import('@securemem/core').Protection} protection */
  protect(region, protection) {
    this.inner.protect(region, protection);
  }

  /** @param {RegionId} region @param {number} byteOffset @param {number} byteLength */
  wipe(region, byteOffset, byteLength) {
    if (this.broken === 'wipe') return;
    this.inner.wipe(region, byteOffset, byteLength);
  }

  /** @param {RegionId} region @param {number} byteOffset @param {Uint8Array} target */
  read(region, byteOffset, target) {
    this.inner.read(region, byteOffset, target);
    this.lastAccess = { region, byteOffset, byteLength: target.length };
  }

  /** @param {RegionId} region @param {number} byteOffset @param {Uint8Array} source */
  write(region, byteOffset, source) {
    this.inner.write(region, byteOffset, source);
  }

  /** @param {RegionId} region @param {number} byteOffset @param {number} byteLength */
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

  /** @param {readonly RegionId[]} regions */
  inspect(regions) {
    return this.inner.inspect(regions);
  }

  /** @param {RegionId} region */
  unmap(region) {
    this.inner.unmap(region);
    this.mappedByteLength -= this.regions.get(region) ?? 0;
    this.regions.delete(region);
  }

  /** @param {Parameters<MemoryBackend['seal']>} args */
  seal(...args) {
    this.inner.seal(...args);
  }

  /** @param {Parameters<MemoryBackend['unseal']>} args */
  unseal(...args) {
    this.inner.unseal(...args);
  }

  /** @param {Parameters<MemoryBackend['sign']>} args */
  sign(...args) {
    return this.inner.sign(...args);
  }

  /** @param {Parameters<MemoryBackend['signLater']>} args */
  signLater(...args) {
    return this.inner.signLater(...args);
  }

  /** @param {Parameters<MemoryBackend['openKey']>} args */
  openKey(...args) {
    return this.inner.openKey(...args);
  }

  /** @param {Parameters<MemoryBackend['publicKey']>} args */
  publicKey(...args) {
    return this.inner.publicKey(...args);
  }

  /** @param {Parameters<MemoryBackend['agree']>} args */
  agree(...args) {
    this.inner.agree(...args);
  }

  /** @param {string} name */
  environmentByteLength(name) {
    return this.inner.environmentByteLength(name);
  }

  /** @param {Parameters<MemoryBackend['takeEnvironment']>} args */
  takeEnvironment(...args) {
    return this.inner.takeEnvironment(...args);
  }

  [Symbol.dispose]() {
    this.inner[Symbol.dispose]();
  }

  /** What a region holds now, under any protection. @param {RegionId} region */
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
