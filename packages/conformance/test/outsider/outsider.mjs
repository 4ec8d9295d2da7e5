import { CONTRACT_VERSION } from '@securemem/core/contract';
import {
  checkCount,
  checkMapLength,
  checkProtection,
  checkRange,
  ordinaryBytes,
} from './arguments.mjs';
import { failure, NAME, refusal } from './failure.mjs';
import { bytesAt, PAGE, setLockLimit } from './libc.mjs';
import { Pages } from './pages.mjs';
import { lockedByteLength, lockLimits, mappings } from './proc.mjs';
import { View } from './view.mjs';

/**
 * @typedef {import('@securemem/core/contract').MemoryBackend} MemoryBackend
 * @typedef {import('./pages.mjs').Region} Region
 * @typedef {import('@securemem/core/contract').RegionId} RegionId
 */

let lastId = 0;

/**
 * A backend for Linux that was written from `docs/WRITING-A-BACKEND.md` and the contract. The suite passes it; the bugs beside
 * it break one step each.
 *
 * @implements {MemoryBackend}
 */
export class Outsider {
  name = NAME;
  /** @type {typeof CONTRACT_VERSION} */
  contractVersion = CONTRACT_VERSION;
  pageByteLength = PAGE;
  /** @type {import('@securemem/core/contract').BackendCapabilities} */
  capabilities = Object.freeze({
    locking: 'locked',
    guardPages: true,
    protection: 'no-access',
    dumpExclusion: true,
    forkBehaviour: 'absent',
    kernelHidden: false,
    views: 'revocable',
    threadExit: 'kept',
    cipher: 'none',
    keys: [],
    keysLater: [],
    keyReferences: 'none',
    environment: 'none',
  });
  pages = new Pages();
  /** @type {Map<RegionId, Region>} */
  regions = new Map();
  closed = false;

  /** @param {string} operation */
  requireOpen(operation) {
    if (this.closed) throw failure('ERR_SECMEM_CLOSED', 'the backend is closed', { operation });
  }

  /** @param {RegionId} id @param {string} operation */
  find(id, operation) {
    this.requireOpen(operation);
    const region = this.regions.get(id);
    if (region !== undefined) return region;
    throw failure('ERR_SECMEM_DISPOSED', 'no live region has this id', { operation });
  }

  /** @returns {import('@securemem/core/contract').LockLimit} */
  lockLimit() {
    this.requireOpen('lockLimit');
    const { free, soft } = lockLimits();
    return free || soft === Number.POSITIVE_INFINITY
      ? { kind: 'unlimited' }
      : { kind: 'bytes', byteLength: soft };
  }

  /** @param {number} byteLength */
  raiseLockLimit(byteLength) {
    this.requireOpen('raiseLockLimit');
    checkCount(byteLength, 'byteLength');
    const { free, soft, hard } = lockLimits();
    if (free || byteLength <= soft) return this.lockLimit();
    const errno = byteLength > hard ? 1 : setLockLimit(byteLength, hard);
    if (errno === 0) return this.lockLimit();
    throw failure('ERR_SECMEM_CANNOT_RAISE', 'the hard limit is in the way', {
      operation: 'raiseLockLimit',
      syscall: 'setrlimit',
      errno,
    });
  }

  lockedByteLength() {
    this.requireOpen('lockedByteLength');
    return lockedByteLength();
  }

  /** The steps of map, in order, each with the system call that it makes. @returns {[string, (region: Region) => number][]} */
  steps() {
    return [
      ['mprotect', (region) => this.pages.open(region)],
      ['mlock', (region) => this.pages.lock(region)],
      ['madvise', (region) => this.pages.excludeFromDump(region)],
      ['madvise', (region) => this.pages.excludeFromFork(region)],
    ];
  }

  /** @param {number} byteLength @returns {RegionId} */
  map(byteLength) {
    this.requireOpen('map');
    checkMapLength(byteLength, PAGE);
    const { region, errno = 0 } = this.pages.reserve(byteLength);
    if (region === undefined) throw refusal('map', 'mmap', errno, byteLength);
    for (const [syscall, step] of this.steps()) {
      const refused = step(region);
      if (refused === 0) continue;
      // While the region is there: what is in the way can be told from what it takes.
      const error = refusal('map', syscall, refused, byteLength);
      this.pages.release(region);
      throw error;
    }
    return this.add(region);
  }

  /** @param {Region} region */
  add(region) {
    lastId += 1;
    this.regions.set(/** @type {RegionId} */ (lastId), region);
    return /** @type {RegionId} */ (lastId);
  }

  /** @param {RegionId} id @param {Region['protection']} protection */
  protect(id, protection) {
    const region = this.find(id, 'protect');
    checkProtection(protection);
    const errno = this.pages.protect(region, protection);
    if (errno !== 0) throw refusal('protect', 'mprotect', errno, 0);
  }

  /** @param {RegionId} id @param {number} byteOffset @param {number} byteLength */
  wipe(id, byteOffset, byteLength) {
    const region = this.find(id, 'wipe');
    checkRange(byteOffset, byteLength, region.byteLength);
    this.pages.zero(region, byteOffset, byteLength);
  }

  /** @param {RegionId} id @param {number} byteOffset @param {Uint8Array} target */
  read(id, byteOffset, target) {
    const region = this.find(id, 'read');
    const byteLength = ordinaryBytes(target, 'target');
    checkRange(byteOffset, byteLength, region.byteLength);
    this.pages.onOpen(region, (bytes) =>
      Uint8Array.prototype.set.call(target, bytes.subarray(byteOffset, byteOffset + byteLength)),
    );
  }

  /** @param {RegionId} id @param {number} byteOffset @param {Uint8Array} source */
  write(id, byteOffset, source) {
    const region = this.find(id, 'write');
    checkRange(byteOffset, ordinaryBytes(source, 'source'), region.byteLength);
    this.pages.onOpen(region, (bytes) => bytes.set(source, byteOffset));
  }

  /** @param {RegionId} id @param {number} byteOffset @param {number} byteLength @returns {import('@securemem/core/contract').View} */
  openView(id, byteOffset, byteLength) {
    const region = this.find(id, 'openView');
    checkRange(byteOffset, byteLength, region.byteLength);
    // A view of nothing shows nothing, so it holds nothing.
    region.views += byteLength === 0 ? 0 : 1;
    return new View(bytesAt(region.start + byteOffset, byteLength), () => {
      region.views -= 1;
    });
  }

  /** @param {readonly RegionId[]} ids @returns {import('@securemem/core/contract').RegionFacts[]} */
  inspect(ids) {
    this.requireOpen('inspect');
    const regions = ids.map((id) => this.find(id, 'inspect'));
    const all = regions.length === 0 ? [] : mappings();
    return regions.map((region) => this.factsOf(region, all));
  }

  /** @param {Region} region @param {ReturnType<typeof mappings>} all @returns {import('@securemem/core/contract').RegionFacts} */
  factsOf({ base, start, byteLength, total }, all) {
    const end = start + byteLength;
    const parts = all.filter((part) => part.start < end && start < part.end);
    const closed = (/** @type {number} */ at) =>
      all.some((part) => part.start <= at && at < part.end && part.access === '--');
    const every = (/** @type {string} */ flag) => parts.every(({ flags }) => flags.includes(flag));
    const access = parts.some((part) => part.access === '--')
      ? 'no-access'
      : parts.some((part) => part.access === 'r-')
        ? 'read-only'
        : 'read-write';
    return {
      lockedByteLength: parts.reduce((sum, part) => sum + Math.min(part.locked, byteLength), 0),
      protection: access,
      guarded: closed(base) && closed(base + total - 1),
      dumpExcluded: every('dd'),
      forkBehaviour: every('dc') ? 'absent' : every('wf') ? 'zeroed' : 'inherited',
    };
  }

  /** @param {RegionId} id */
  unmap(id) {
    const region = this.find(id, 'unmap');
    if (region.views > 0) {
      throw failure('ERR_SECMEM_IN_USE', 'a view shows the region', { operation: 'unmap' });
    }
    this.pages.zero(region, 0, region.byteLength);
    const errno = this.pages.release(region);
    if (errno !== 0) throw refusal('unmap', 'munmap', errno, 0);
    this.regions.delete(id);
  }

  /** @param {import('@securemem/core/contract').RegionRange} key @param {Uint8Array} _nonce @param {Uint8Array} _data @param {import('@securemem/core/contract').RegionRange} text */
  seal(key, _nonce, _data, text) {
    this.find(key.region, 'seal');
    this.find(text.region, 'seal');
    throw failure('ERR_SECMEM_NOT_SUPPORTED', 'no cipher', { operation: 'seal' });
  }

  /** @param {import('@securemem/core/contract').RegionRange} key @param {Uint8Array} _nonce @param {Uint8Array} _data @param {Uint8Array} _source @param {import('@securemem/core/contract').RegionRange} text */
  unseal(key, _nonce, _data, _source, text) {
    this.find(key.region, 'unseal');
    this.find(text.region, 'unseal');
    throw failure('ERR_SECMEM_NOT_SUPPORTED', 'no cipher', { operation: 'unseal' });
  }

  /** @param {import('@securemem/core/contract').SignatureAlgorithm} _algorithm @param {import('@securemem/core/contract').RegionRange} key @returns {number} */
  sign(_algorithm, key) {
    this.find(key.region, 'sign');
    throw failure('ERR_SECMEM_NOT_SUPPORTED', 'no private keys', { operation: 'sign' });
  }

  /** @param {import('@securemem/core/contract').SignatureAlgorithm} _algorithm @param {import('@securemem/core/contract').RegionRange} key @returns {never} */
  signLater(_algorithm, key) {
    this.find(key.region, 'signLater');
    throw failure('ERR_SECMEM_NOT_SUPPORTED', 'no private keys', { operation: 'signLater' });
  }

  /** @param {import('@securemem/core/contract').RegionRange} key @returns {never} */
  openKey(key) {
    this.find(key.region, 'openKey');
    throw failure('ERR_SECMEM_NOT_SUPPORTED', 'no references of keys', { operation: 'openKey' });
  }

  /** @param {import('@securemem/core/contract').KeyType} _type @param {import('@securemem/core/contract').RegionRange} key @returns {number} */
  publicKey(_type, key) {
    this.find(key.region, 'publicKey');
    throw failure('ERR_SECMEM_NOT_SUPPORTED', 'no private keys', { operation: 'publicKey' });
  }

  /** @param {import('@securemem/core/contract').AgreementAlgorithm} _algorithm @param {import('@securemem/core/contract').RegionRange} key */
  agree(_algorithm, key) {
    this.find(key.region, 'agree');
    throw failure('ERR_SECMEM_NOT_SUPPORTED', 'no private keys', { operation: 'agree' });
  }

  /** @param {string} _name @returns {number | undefined} */
  environmentByteLength(_name) {
    const operation = 'environmentByteLength';
    this.requireOpen(operation);
    throw failure('ERR_SECMEM_NOT_SUPPORTED', 'no environment', { operation });
  }

  /** @param {string} _name @param {import('@securemem/core/contract').RegionRange} target @returns {import('@securemem/core/contract').EnvironmentTaken} */
  takeEnvironment(_name, target) {
    const operation = 'takeEnvironment';
    this.find(target.region, operation);
    throw failure('ERR_SECMEM_NOT_SUPPORTED', 'no environment', { operation });
  }

  [Symbol.dispose]() {
    this.closed = true;
    for (const region of this.regions.values()) {
      this.pages.zero(region, 0, region.byteLength);
      if (region.views === 0) this.pages.release(region);
      else this.pages.protect(region, 'read-write');
    }
    this.regions.clear();
  }
}
