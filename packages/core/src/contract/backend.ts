import type { BackendCapabilities, LockLimit, Protection } from './capabilities.js';
import type { EnvironmentTaken } from './environment.js';
import type {
  AgreementAlgorithm,
  KeyReference,
  KeyType,
  PendingSignature,
  SignatureAlgorithm,
} from './keys.js';
import type { RegionFacts, RegionId, RegionRange, View } from './region.js';

/** The version of this contract. A new ability is a new capability value, not a new version. */
export const CONTRACT_VERSION = 1;

/**
 * Mechanism: whole regions, one operation per method. A backend decides nothing, retries nothing, counts nothing for
 * policy, has no defaults and never logs; whatever is a decision or an ordering lives in the allocator above it.
 *
 * Preconditions, once for all methods:
 *
 * - Region ids are live ids of this backend. The backend checks: a stale or foreign id throws `ERR_SECMEM_DISPOSED` and
 *   changes nothing.
 * - Byte ranges are non-negative integers and lie inside the region; otherwise `RangeError` and nothing changes. The fields
 *   of a `RegionRange` are read once, before anything is checked, since they may be getters that run code of their own.
 * - `source` and `target` are Uint8Arrays over ordinary, fixed-length, unshared, attached buffers; otherwise `TypeError`.
 * - A backend instance belongs to the thread that opened it.
 *
 * Postconditions, once for all methods:
 *
 * - Every method is synchronous and complete when it returns, so that `exit` handlers and `using` can rely on it.
 * - What fails throws SecureMemoryError with the system call and its error number. After a throw nothing has changed,
 *   except where said.
 * - Addresses never cross this interface.
 */
export interface MemoryBackend extends Disposable {
  /** Lower case, such as `koffi`. Appears in receipts and errors. */
  readonly name: string;

  readonly contractVersion: typeof CONTRACT_VERSION;

  readonly capabilities: BackendCapabilities;

  /** The unit of mapping and locking, in bytes; a power of two. */
  readonly pageByteLength: number;

  /**
   * The lock limit in force now: the soft limit, or `unlimited` where it truly does not bind. Cheap enough to ask before
   * every admission (under a microsecond on Linux). `unlimited` when `locking` is `none`.
   */
  lockLimit(): LockLimit;

  /**
   * Tries to raise the lock limit of this process to at least `byteLength` bytes and returns the limit then in force.
   * Never lowers it. Throws `ERR_SECMEM_CANNOT_RAISE`, state unchanged, where the system does not allow it.
   */
  raiseLockLimit(byteLength: number): LockLimit;

  /** The bytes that this whole process has locked, as the kernel counts them; other lockers are included. */
  lockedByteLength(): number | 'unknown';

  /**
   * Makes a region of `byteLength` bytes, a positive multiple of the page: zeroed, `read-write`, and locked, guarded,
   * hidden and excluded as the capabilities claim. Where any of that fails nothing exists afterwards, and it throws
   *
   * - `ERR_SECMEM_LOCK_LIMIT`: the lock limit is reached, or is 0;
   * - `ERR_SECMEM_MAP_LIMIT`: the number of mappings is exhausted;
   * - `ERR_SECMEM_OUT_OF_MEMORY`: no memory, address space or file descriptor;
   * - `ERR_SECMEM_DENIED`: the system forbids it whatever the limit (seccomp, a permission model).
   *
   * One error number has several causes, so the backend reads the limit and tells them apart; `details` has the numbers.
   */
  map(byteLength: number): RegionId;

  /**
   * Changes the protection of the whole region. A level above `capabilities.protection` throws
   * `ERR_SECMEM_NOT_SUPPORTED`; `read-write` always succeeds. Open views of a closed region kill the process when
   * touched; the caller closes them first.
   */
  protect(region: RegionId, protection: Protection): void;

  /** Zeroes a range under any protection, which is restored. The compiler cannot remove it. */
  wipe(region: RegionId, byteOffset: number, byteLength: number): void;

  /** Copies out of the region into `target`, as many bytes as it has, under any protection, which is restored. */
  read(region: RegionId, byteOffset: number, target: Uint8Array): void;

  /** Copies all of `source` into the region, under any protection, which is restored. */
  write(region: RegionId, byteOffset: number, source: Uint8Array): void;

  /**
   * An ArrayBuffer over exactly this range. Several views may overlap; each is closed by itself. Throws
   * `ERR_SECMEM_NOT_SUPPORTED` when `capabilities.views` is `none`.
   */
  openView(region: RegionId, byteOffset: number, byteLength: number): View;

  /**
   * Asks the operating system about regions, all in one pass, in the order given. `unknown` where it cannot be asked.
   * May cost milliseconds; it is for receipts on demand and for verification.
   */
  inspect(regions: readonly RegionId[]): readonly (RegionFacts | 'unknown')[];

  /**
   * Wipes the whole region under any protection, then releases it: unlocked, unmapped, the id refused from now on. While a
   * view of the region is open, or `aliasAlive` of one that escaped or is stuck does not answer `false`, it throws
   * `ERR_SECMEM_IN_USE` and changes nothing: closing views first is the caller's duty. If it throws anything else, the
   * region is still live, and its bytes are wiped unless the system refused to open it for that.
   */
  unmap(region: RegionId): void;

  /**
   * AES-256-GCM from a region to ordinary memory. `key` is a range of 32 bytes, `nonce` 12 bytes; `target` receives the
   * ciphertext and then the 16-byte tag, so it is 16 bytes longer than `plaintext`. Works under any protection, restored
   * afterwards. No cipher context and no key schedule outlives the call. `ERR_SECMEM_NOT_SUPPORTED` when
   * `capabilities.cipher` is `none`.
   */
  seal(
    key: RegionRange,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    plaintext: RegionRange,
    target: Uint8Array,
  ): void;

  /**
   * The way back. `source` is ciphertext and tag. A tag that does not match throws `ERR_SECMEM_UNSEAL_FAILED`, and the
   * plaintext range then reads zero.
   */
  unseal(
    key: RegionRange,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    source: Uint8Array,
    plaintext: RegionRange,
  ): void;

  /**
   * Signs with a private key where it lies, and gives the length of the signature, which `target` receives from its first byte
   * on. `key` is a range of exactly the private part:
   *
   * - Ed25519: the seed (32 bytes), from which the public key is derived in each call, or the seed and then the public key
   *   that `publicKey` gave for it (64 bytes). The second is half the work and is not checked: a wrong public key there
   *   gives the private key away with the signature, so whoever calls must know that nobody else wrote it.
   * - EC: the scalar, big-endian, as wide as the order of the curve (32, 48, 66 bytes), 1 to the order less 1.
   * - RSA: `RSAPrivateKey` of PKCS#1 in DER (RFC 8017, A.1.2) with two primes, a modulus of 1,024 to 16,384 bits, and nothing behind it.
   *
   * `message` is the message for Ed25519, of any length, and its digest for the others (`SIGNATURES`). `target` is as long as
   * the signature; for RSA at least as long as the modulus. Works under any protection, restored afterwards. No copy of the
   * key, and nothing secret that was calculated from it, outlives the call.
   *
   * Throws `ERR_SECMEM_KEY_INVALID` when the bytes are no such private key; `target` may be zeroed then, and nothing else has changed.
   * `ERR_SECMEM_NOT_SUPPORTED` when `capabilities.keys` does not name the algorithm; `TypeError` when it is no name of `SIGNATURES`.
   */
  sign(
    algorithm: SignatureAlgorithm,
    key: RegionRange,
    message: Uint8Array,
    target: Uint8Array,
  ): number;

  /**
   * The same on another thread, for what takes long. Arguments are checked now, with the same errors, and the message is copied;
   * the key is read from its page when its turn comes. Whoever calls leaves the range as it is until the signature is
   * settled or revoked. Every call that changes or ends the region itself (`wipe`, `write`, `unmap`, closing the backend, the end of the thread) waits for a
   * reading of the key at most, never for a signature, and revokes what has not begun. `ERR_SECMEM_NOT_SUPPORTED` when `capabilities.keysLater` does not name
   * the algorithm.
   */
  signLater(algorithm: SignatureAlgorithm, key: RegionRange, message: Uint8Array): PendingSignature;

  /**
   * Calculates the public key of a private key where it lies, and gives its length: 32 bytes of Ed25519 and X25519, an
   * uncompressed point (0x04, x, y) of a curve, `RSAPublicKey` of PKCS#1 in DER (RFC 8017, A.1.1). `target` is as long as
   * that; for RSA at least, and as long as the private key always suffices. `key` is as for `sign`; what lies behind a seed of Ed25519 is not
   * looked at. X25519: 32 bytes as RFC 7748 has them, which need not be clamped. Throws as `sign` does;
   * `ERR_SECMEM_NOT_SUPPORTED` when `capabilities.keys` names no algorithm of this family.
   */
  publicKey(type: KeyType, key: RegionRange, target: Uint8Array): number;

  /**
   * Agrees on a secret with whoever has the private part of `peer`, into a region: `secret` is a range as long as
   * `AGREEMENTS` says. It may lie in the region of the key and must not overlap it (`RangeError`). The secret is the bare result, to be hashed by whoever calls.
   *
   * Throws `ERR_SECMEM_PEER_INVALID` when `peer` is not a point of the curve, is the point at infinity, or gives a secret of
   * zeros (RFC 7748, section 6.1), and `ERR_SECMEM_KEY_INVALID` as `sign` does; the range of the secret then reads zero. Otherwise as `sign`.
   */
  agree(
    algorithm: AgreementAlgorithm,
    key: RegionRange,
    peer: Uint8Array,
    secret: RegionRange,
  ): void;

  /**
   * Gives a private key a name by which `node:crypto` and `tls` use it where it lies. `key` is as for `sign`, and in a region
   * where nothing else is secret: another thread opens its pages for each use, for some microseconds and whatever their protection is.
   * Whoever calls leaves the bytes as they are until the reference is closed. `wipe`, `write` and `unseal` into the range, `unmap`,
   * closing the backend and the end of the thread end its use at once; an open view does not.
   *
   * `ERR_SECMEM_NOT_SUPPORTED` when `capabilities.keyReferences` is `none`, and for a type that the runtime has no keys of;
   * `ERR_SECMEM_KEY_INVALID` as `sign` throws it.
   */
  openKey(key: RegionRange, type: KeyType): KeyReference;

  /**
   * How many bytes the value of a variable of this process's environment has, as `getenv` of C finds it: of the first, where a
   * name is there more than once. Undefined when it is not set. Makes no copy of it. `name` is a non-empty string of at most
   * 1,024 bytes in UTF-8 without `=` and NUL, otherwise `TypeError`. `ERR_SECMEM_NOT_SUPPORTED` when
   * `capabilities.environment` is `none`.
   */
  environmentByteLength(name: string): number | undefined;

  /**
   * Moves the value of that variable into a range of exactly its length, under any protection, restored afterwards:
   * overwrites it with zero bytes wherever this process was given it, unsets the name, and says what was done. Values that stood
   * under the same name elsewhere in the environment are overwritten too and lost. `RangeError` for a range of another
   * length than `environmentByteLength` answers now, also when the variable is not set (which has none); then, as after any
   * throw, the variable is as it was.
   */
  takeEnvironment(name: string, target: RegionRange): EnvironmentTaken;

  /**
   * Unmaps every region without a live or escaped view, wipes the rest and leaves it mapped. Idempotent. Every later
   * call throws `ERR_SECMEM_CLOSED`.
   */
  [Symbol.dispose](): void;
}

/** Whether a backend can open here, and if not, why, in words that name the cause and the fix. */
export type ProbeResult =
  | { readonly available: true }
  | { readonly available: false; readonly reason: string; readonly cause?: unknown };

/**
 * How a backend is opened: a function with a `probe`. Importing the package that exports it changes nothing in the
 * process; `probe` has no side effects that outlive it; only the call itself opens the backend, or throws
 * `ERR_SECMEM_BACKEND_UNAVAILABLE`.
 */
export interface BackendFactory<Options = undefined> {
  (options?: Options): MemoryBackend;
  readonly backendName: string;
  /** Whether the call would open a backend here, and if not, why. */
  probe(options?: Options): ProbeResult;
}
