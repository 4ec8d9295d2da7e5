import {
  byteLengthOfOrdinary,
  CONTRACT_VERSION,
  requireCount,
  requireMapLength,
  requireProtection,
  requireRange,
  SecureMemoryError,
} from '@securemem/core/contract';
import { RegionTable } from './region-table.js';

/**
 * A backend to begin with. It keeps the contract on ordinary memory and claims nothing. Make it yours from the bottom up:
 * replace the memory first, then raise one capability after another, each when the conformance suite confirms it.
 *
 * @typedef {import('@securemem/core/contract').MemoryBackend} MemoryBackend
 * @typedef {import('@securemem/core/contract').RegionId} RegionId
 * @typedef {import('@securemem/core/contract').RegionRange} RegionRange
 * @typedef {import('@securemem/core/contract').Protection} Protection
 * @typedef {import('@securemem/core/contract').KeyType} KeyType
 * @typedef {import('@securemem/core/contract').SignatureAlgorithm} SignatureAlgorithm
 * @typedef {import('@securemem/core/contract').AgreementAlgorithm} AgreementAlgorithm
 */
const NAME = 'template';
const PAGE_BYTE_LENGTH = 4096;

/** What every region has. Never claim what you do not check: a receipt repeats it to people. */
const CAPABILITIES = Object.freeze({
  locking: /** @type {const} */ ('none'),
  guardPages: false,
  protection: /** @type {const} */ ('none'),
  dumpExclusion: false,
  forkBehaviour: /** @type {const} */ ('inherited'),
  kernelHidden: false,
  views: /** @type {const} */ ('none'),
  threadExit: /** @type {const} */ ('kept'),
  cipher: /** @type {const} */ ('none'),
  keys: Object.freeze([]),
  keysLater: Object.freeze([]),
  environment: /** @type {const} */ ('none'),
});

/** @implements {MemoryBackend} */
class TemplateBackend {
  name = NAME;
  contractVersion = CONTRACT_VERSION;
  capabilities = CAPABILITIES;
  pageByteLength = PAGE_BYTE_LENGTH;
  #regions = new RegionTable(NAME);

  /** The soft limit in force now. `unlimited` is the truth only where nothing is locked, or no limit binds. */
  lockLimit() {
    this.#regions.requireOpen('lockLimit');
    return { kind: /** @type {const} */ ('unlimited') };
  }

  /** @param {number} byteLength */
  raiseLockLimit(byteLength) {
    this.#regions.requireOpen('raiseLockLimit');
    requireCount(byteLength, 'byteLength');
    return { kind: /** @type {const} */ ('unlimited') };
  }

  lockedByteLength() {
    this.#regions.requireOpen('lockedByteLength');
    return /** @type {const} */ ('unknown');
  }

  /**
   * Reserve, lock, guard, exclude: check every call, and undo all of it in reverse when one fails.
   * @param {number} byteLength @returns {RegionId}
   */
  map(byteLength) {
    this.#regions.requireOpen('map');
    requireMapLength(byteLength, PAGE_BYTE_LENGTH);
    try {
      return this.#regions.add(new Uint8Array(new ArrayBuffer(byteLength)));
    } catch (cause) {
      throw new SecureMemoryError(
        'ERR_SECMEM_OUT_OF_MEMORY',
        'no memory for a region of this size',
        {
          operation: 'map',
          backend: NAME,
          details: { limit: 'memory', requestedByteLength: byteLength },
          cause,
        },
      );
    }
  }

  /** @param {RegionId} region @param {Protection} protection */
  protect(region, protection) {
    this.#regions.find(region, 'protect');
    requireProtection(protection);
    if (protection !== 'read-write') throw notSupported('protect', `protection ${protection}`);
  }

  /** @param {RegionId} region @param {number} byteOffset @param {number} byteLength */
  wipe(region, byteOffset, byteLength) {
    const bytes = this.#regions.find(region, 'wipe');
    requireRange(byteOffset, byteLength, bytes.length);
    bytes.fill(0, byteOffset, byteOffset + byteLength);
  }

  /** @param {RegionId} region @param {number} byteOffset @param {Uint8Array} target */
  read(region, byteOffset, target) {
    const bytes = this.#regions.find(region, 'read');
    const byteLength = byteLengthOfOrdinary(target, 'target');
    requireRange(byteOffset, byteLength, bytes.length);
    target.set(bytes.subarray(byteOffset, byteOffset + byteLength));
  }

  /** @param {RegionId} region @param {number} byteOffset @param {Uint8Array} source */
  write(region, byteOffset, source) {
    const bytes = this.#regions.find(region, 'write');
    requireRange(byteOffset, byteLengthOfOrdinary(source, 'source'), bytes.length);
    bytes.set(source, byteOffset);
  }

  /**
   * @param {RegionId} region @param {number} byteOffset @param {number} byteLength
   * @returns {import('@securemem/core/contract').View}
   */
  openView(region, byteOffset, byteLength) {
    const bytes = this.#regions.find(region, 'openView');
    requireRange(byteOffset, byteLength, bytes.length);
    throw notSupported('openView', 'views');
  }

  /** Ask the operating system, in one pass; your own notes are worth nothing here. @param {readonly RegionId[]} regions */
  inspect(regions) {
    this.#regions.requireOpen('inspect');
    return regions.map((region) => {
      this.#regions.find(region, 'inspect');
      return /** @type {const} */ ('unknown');
    });
  }

  /** Wipe first: if the release fails, the bytes are gone all the same. @param {RegionId} region */
  unmap(region) {
    this.#regions.find(region, 'unmap').fill(0);
    this.#regions.remove(region);
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
    for (const bytes of this.#regions.close()) bytes.fill(0);
  }
}

/** @param {string} operation @param {string} what */
function notSupported(operation, what) {
  return new SecureMemoryError('ERR_SECMEM_NOT_SUPPORTED', `${NAME} does not have ${what}`, {
    operation,
    backend: NAME,
  });
}

/** What users call. Importing this file changes nothing; only the call opens a backend. */
export const templateBackend = Object.assign(() => new TemplateBackend(), {
  backendName: NAME,
  probe: () => ({ available: /** @type {const} */ (true) }),
});

/** What the conformance suite calls, here and in its children. */
export const open = () => templateBackend();
