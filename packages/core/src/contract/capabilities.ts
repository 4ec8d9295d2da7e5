import type { KeyAlgorithm, SignatureAlgorithm } from './keys.js';

/** How much of a region may be touched. The whole region has one protection; a part of it never has its own. */
export type Protection = 'no-access' | 'read-only' | 'read-write';

/**
 * What a forked child (without exec) finds where the region was.
 *
 * - `absent`: nothing is mapped there, a touch kills the child.
 * - `zeroed`: zero bytes.
 * - `inherited`: the parent's bytes.
 */
export type ForkBehaviour = 'absent' | 'zeroed' | 'inherited';

/**
 * How many bytes this process may lock.
 *
 * `unlimited` and `unknown` are different answers and neither is a large number: the first permits a policy to look at
 * physical memory instead, the second demands caution.
 */
export type LockLimit =
  | { readonly kind: 'bytes'; readonly byteLength: number }
  | { readonly kind: 'unlimited' | 'unknown' };

/**
 * What every region of a backend has.
 *
 * Observed on this machine, from checked system calls, when the backend opened, and constant for its lifetime. Every
 * region that `map` returns has all of it: `map` delivers or throws. A capability that is not there is named here, so
 * that the receipt of each secret can say so; it is never simulated.
 */
export interface BackendCapabilities {
  /** `locked`: the pages of a region never leave physical memory, and `map` fails where they could not be locked. */
  readonly locking: 'locked' | 'none';

  /**
   * How it is known that regions are locked. `counted`: the system marks their pages as locked and counts them. `resident`: it does
   * neither, as some kernels with memfd_secret pages (Linux 6.1); all pages of a region are in memory, and the kernel, which has
   * no mapping of them, cannot take them away. A backend that says nothing of it means `counted`.
   */
  readonly lockEvidence?: 'counted' | 'resident';

  /** A touch just before or just after the region kills the process. */
  readonly guardPages: boolean;

  /**
   * The strongest protection that keeps the lock. On Windows that is `read-only`, since a page without access silently
   * loses its lock there.
   */
  readonly protection: 'no-access' | 'read-only' | 'none';

  /** The bytes are not in a core file that the kernel writes. Says nothing about a debugger attached to the process. */
  readonly dumpExclusion: boolean;

  readonly forkBehaviour: ForkBehaviour;

  /** The kernel itself has no mapping of the pages (memfd_secret): not even root reads them through `/proc/<pid>/mem`. */
  readonly kernelHidden: boolean;

  /**
   * `revocable`: `openView` gives an ArrayBuffer over the region that `close` makes zero bytes long.
   * `none`: bytes go in and out by `read` and `write` only.
   */
  readonly views: 'revocable' | 'none';

  /** What becomes of the regions of a worker thread that is terminated in mid-use. */
  readonly threadExit: 'wiped' | 'kept';

  /** `in-place`: AES-256-GCM between a region and ordinary memory, with no plaintext and no key schedule left outside. */
  readonly cipher: 'in-place' | 'none';

  /**
   * What is done with a private key where it lies, with no copy of it left outside: `sign`, `agree`, and `publicKey` for the
   * families of these. Empty: nothing is.
   */
  readonly keys: readonly KeyAlgorithm[];

  /** What of `keys` is also signed on another thread, by `signLater`. Empty: nothing is. */
  readonly keysLater: readonly SignatureAlgorithm[];

  /**
   * `provider`: `openKey` makes a key usable by `node:crypto` and `tls` of this process, through a provider in its OpenSSL. `none`:
   * it does not.
   */
  readonly keyReferences: 'provider' | 'none';

  /**
   * `erasable`: a variable of this process's environment can be moved into a region, with no byte of its value left where the
   * process was given it. `none` also in a worker thread, whose environment is a copy, or belongs to another thread.
   */
  readonly environment: 'erasable' | 'none';
}
