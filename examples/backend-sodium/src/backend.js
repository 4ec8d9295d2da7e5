import {
  byteLengthOfOrdinary,
  CONTRACT_VERSION,
  requireCount,
  requireMapLength,
  requireProtection,
  requireRange,
  SecureMemoryError,
} from '@securemem/core/contract';
import sodium from 'sodium-native';
import { lockedBytes, lockLimit } from './linux-limits.js';
import { RegionTable } from './region-table.js';

/**
 * A backend on libsodium's guarded heap. `sodium_malloc` gives pages between guards and tries to lock them, but carries on
 * when that fails; so the lock is asked for a second time, by `sodium_mlock`, which does say so.
 *
 * What libsodium cannot tell (addresses, error numbers) this backend cannot tell either. The suite says where that breaks
 * the contract: see README.md.
 *
 * @typedef {import('@securemem/core/contract').MemoryBackend} MemoryBackend
 * @typedef {import('@securemem/core/contract').RegionId} RegionId
 * @typedef {import('@securemem/core/contract').RegionRange} RegionRange
 * @typedef {import('@securemem/core/contract').Protection} Protection
 * @typedef {import('@securemem/core/contract').KeyType} KeyType
 * @typedef {import('@securemem/core/contract').SignatureAlgorithm} SignatureAlgorithm
 * @typedef {import('@securemem/core/contract').AgreementAlgorithm} AgreementAlgorithm
 */
const NAME = 'sodium';
const PAGE_BYTE_LENGTH = 4096;

/**
 * Ranges of one sodium buffer cannot be detached one by one, so there are no views. `sodium_mlock` also excludes the pages
 * from core files; nothing keeps them from a forked child. The guard in front is a page away from the first byte, behind
 * libsodium's canary, so guards are not claimed.
 */
const CAPABILITIES = Object.freeze({
  locking: /** @type {const} */ ('locked'),
  guardPages: false,
  protection: /** @type {const} */ ('no-access'),
  dumpExclusion: true,
  forkBehaviour: /** @type {const} */ ('inherited'),
  kernelHidden: false,
  views: /** @type {const} */ ('none'),
  threadExit: /** @type {const} */ ('wiped'),
  cipher: /** @type {const} */ ('none'),
  keys: Object.freeze([]),
  keysLater: Object.freeze([]),
  environment: /** @type {const} */ ('none'),
});

/** @implements {MemoryBackend} */
class SodiumBackend {
  name = NAME;
  contractVersion = CONTRACT_VERSION;
  capabilities = CAPABILITIES;
  pageByteLength = PAGE_BYTE_LENGTH;
  #regions = new RegionTable(NAME);
  /** libsodium cannot be asked what protection a buffer has. @type {Map<RegionId, Protection>} */
  #protections = new Map();

  lockLimit() {
    this.#regions.requireOpen('lockLimit');
    return lockLimit();
  }

  /** @param {number} byteLength */
  raiseLockLimit(byteLength) {
    this.#regions.requireOpen('raiseLockLimit');
    requireCount(byteLength, 'byteLength');
    const limit = lockLimit();
    if (limit.kind === 'unlimited') return limit;
    if (limit.kind === 'bytes' && limit.byteLength >= byteLength) return limit;
    throw new SecureMemoryError(
      'ERR_SECMEM_CANNOT_RAISE',
      'libsodium cannot raise the lock limit',
      {
        operation: 'raiseLockLimit',
        backend: NAME,
      },
    );
  }

  lockedByteLength() {
    this.#regions.requireOpen('lockedByteLength');
    return lockedBytes();
  }

  /** @param {number} byteLength */
  map(byteLength) {
    this.#regions.requireOpen('map');
    requireMapLength(byteLength, PAGE_BYTE_LENGTH);
    const inUseByteLength = lockedBytes();
    const buffer = this.#allocate(byteLength);
    try {
      sodium.sodium_mlock(buffer);
    } catch (cause) {
      sodium.sodium_free(buffer);
      throw lockRefused(byteLength, inUseByteLength, cause);
    }
    sodium.sodium_memzero(buffer);
    const region = this.#regions.add(buffer);
    this.#protections.set(region, 'read-write');
    return region;
  }

  /** @param {RegionId} region @param {Protection} protection */
  protect(region, protection) {
    const buffer = this.#regions.find(region, 'protect');
    requireProtection(protection);
    try {
      setProtection(buffer, protection);
    } catch (cause) {
      throw new SecureMemoryError('ERR_SECMEM_PLATFORM', 'the system refused the protection', {
        operation: 'protect',
        backend: NAME,
        syscall: 'mprotect',
        cause,
      });
    }
    this.#protections.set(region, protection);
  }

  /** @param {RegionId} region @param {number} byteOffset @param {number} byteLength */
  wipe(region, byteOffset, byteLength) {
    const buffer = this.#regions.find(region, 'wipe');
    requireRange(byteOffset, byteLength, buffer.length);
    this.#opened(region, buffer, () => buffer.fill(0, byteOffset, byteOffset + byteLength));
  }

  /** @param {RegionId} region @param {number} byteOffset @param {Uint8Array} target */
  read(region, byteOffset, target) {
    const buffer = this.#regions.find(region, 'read');
    const byteLength = byteLengthOfOrdinary(target, 'target');
    requireRange(byteOffset, byteLength, buffer.length);
    const end = byteOffset + byteLength;
    this.#opened(region, buffer, () => target.set(buffer.subarray(byteOffset, end)));
  }

  /** @param {RegionId} region @param {number} byteOffset @param {Uint8Array} source */
  write(region, byteOffset, source) {
    const buffer = this.#regions.find(region, 'write');
    requireRange(byteOffset, byteLengthOfOrdinary(source, 'source'), buffer.length);
    this.#opened(region, buffer, () => buffer.set(source, byteOffset));
  }

  /**
   * @param {RegionId} region @param {number} byteOffset @param {number} byteLength
   * @returns {import('@securemem/core/contract').View}
   */
  openView(region, byteOffset, byteLength) {
    const buffer = this.#regions.find(region, 'openView');
    requireRange(byteOffset, byteLength, buffer.length);
    throw notSupported('openView', 'views');
  }

  /** libsodium gives no address, so the system cannot be asked. @param {readonly RegionId[]} regions */
  inspect(regions) {
    this.#regions.requireOpen('inspect');
    return regions.map((region) => {
      this.#regions.find(region, 'inspect');
      return /** @type {const} */ ('unknown');
    });
  }

  /** @param {RegionId} region */
  unmap(region) {
    this.#release(this.#regions.find(region, 'unmap'));
    this.#regions.remove(region);
    this.#protections.delete(region);
  }

  /** @param {RegionRange} key @param {Uint8Array} _nonce @param {Uint8Array} _data @param {RegionRange} plaintext */
  seal(key, _nonce, _data, plaintext) {
    this.#regions.find(key.region, 'seal');
    this.#regions.find(plaintext.region, 'seal');
    throw notSupported('seal', 'a cipher');
  }

  /** @param {RegionRange} key @param {Uint8Array} _nonce @param {Uint8Array} _data @param {Uint8Array} _source @param {RegionRange} plaintext */
  unseal(key, _nonce, _data, _source, plaintext) {
    this.#regions.find(key.region, 'unseal');
    this.#regions.find(plaintext.region, 'unseal');
    throw notSupported('unseal', 'a cipher');
  }

  /** @param {SignatureAlgorithm} _algorithm @param {RegionRange} key @returns {number} */
  sign(_algorithm, key) {
    this.#regions.find(key.region, 'sign');
    throw notSupported('sign', 'private keys');
  }

  /** @param {SignatureAlgorithm} _algorithm @param {RegionRange} key @returns {never} */
  signLater(_algorithm, key) {
    this.#regions.find(key.region, 'signLater');
    throw notSupported('signLater', 'private keys');
  }

  /** @param {RegionRange} key @returns {never} */
  openKey(key) {
    this.#regions.find(key.region, 'openKey');
    throw notSupported('openKey', 'references of keys');
  }

  /** @param {KeyType} _type @param {RegionRange} key @returns {number} */
  publicKey(_type, key) {
    this.#regions.find(key.region, 'publicKey');
    throw notSupported('publicKey', 'private keys');
  }

  /** @param {AgreementAlgorithm} _algorithm @param {RegionRange} key */
  agree(_algorithm, key) {
    this.#regions.find(key.region, 'agree');
    throw notSupported('agree', 'private keys');
  }

  /** @param {string} _name @returns {number | undefined} */
  environmentByteLength(_name) {
    this.#regions.requireOpen('environmentByteLength');
    throw notSupported('environmentByteLength', 'an environment that can be erased');
  }

  /** @param {string} _name @param {RegionRange} target @returns {import('@securemem/core/contract').EnvironmentTaken} */
  takeEnvironment(_name, target) {
    this.#regions.find(target.region, 'takeEnvironment');
    throw notSupported('takeEnvironment', 'an environment that can be erased');
  }

  [Symbol.dispose]() {
    for (const buffer of this.#regions.close()) this.#release(buffer);
    this.#protections.clear();
  }

  /** @param {number} byteLength @returns {Buffer} */
  #allocate(byteLength) {
    try {
      return sodium.sodium_malloc(byteLength);
    } catch (cause) {
      throw new SecureMemoryError('ERR_SECMEM_OUT_OF_MEMORY', 'sodium_malloc failed', {
        operation: 'map',
        backend: NAME,
        syscall: 'mmap',
        details: { limit: 'memory', requestedByteLength: byteLength },
        cause,
      });
    }
  }

  /** Works on a region whatever its protection, which is restored. @param {RegionId} region @param {Buffer} buffer @param {() => void} work */
  #opened(region, buffer, work) {
    const protection = this.#protections.get(region) ?? 'read-write';
    if (protection !== 'read-write') setProtection(buffer, 'read-write');
    try {
      work();
    } finally {
      if (protection !== 'read-write') setProtection(buffer, protection);
    }
  }

  /** `sodium_free` opens, wipes, unlocks, unmaps and empties the buffer. @param {Buffer} buffer */
  #release(buffer) {
    setProtection(buffer, 'read-write');
    sodium.sodium_memzero(buffer);
    sodium.sodium_free(buffer);
  }
}

/** @param {Buffer} buffer @param {Protection} protection */
function setProtection(buffer, protection) {
  if (protection === 'no-access') sodium.sodium_mprotect_noaccess(buffer);
  else if (protection === 'read-only') sodium.sodium_mprotect_readonly(buffer);
  else sodium.sodium_mprotect_readwrite(buffer);
}

/** Tells a limit from a lack of permission by the limit, since libsodium gives no error number.
 *  @param {number} requestedByteLength @param {number} inUseByteLength @param {unknown} cause */
function lockRefused(requestedByteLength, inUseByteLength, cause) {
  const limit = lockLimit();
  const options = { operation: 'map', backend: NAME, syscall: 'mlock', cause };
  const reached =
    limit.kind === 'bytes' &&
    inUseByteLength + requestedByteLength + PAGE_BYTE_LENGTH > limit.byteLength;
  if (!reached) {
    return new SecureMemoryError('ERR_SECMEM_DENIED', 'the system forbids locking', options);
  }
  return new SecureMemoryError('ERR_SECMEM_LOCK_LIMIT', 'the lock limit is reached', {
    ...options,
    details: {
      limit: 'lock',
      requestedByteLength,
      inUseByteLength,
      limitByteLength: limit.byteLength,
      remedy: 'raise the limit with ulimit -l or LimitMEMLOCK=, or release memory',
    },
  });
}

/** @param {string} operation @param {string} what */
function notSupported(operation, what) {
  return new SecureMemoryError('ERR_SECMEM_NOT_SUPPORTED', `${NAME} does not have ${what}`, {
    operation,
    backend: NAME,
  });
}

/** What users call. Importing this file changes nothing but what loading libsodium does; only the call opens a backend. */
export const sodiumBackend = Object.assign(() => new SodiumBackend(), {
  backendName: NAME,
  probe: () =>
    process.platform === 'linux'
      ? { available: /** @type {const} */ (true) }
      : { available: /** @type {const} */ (false), reason: 'this example reads limits from /proc' },
});

/** What the conformance suite calls, here and in its children. */
export const open = () => sodiumBackend();
