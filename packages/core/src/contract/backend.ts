import type { BackendCapabilities, LockLimit, Protection } from './capabilities.js';
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
