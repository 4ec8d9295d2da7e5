import type {
  BackendCapabilities,
  LockLimit,
  Protection,
  RegionFacts,
} from '@securemem/core/contract';
import type { Address } from './address.js';

/** The part of the capabilities that the operating system decides. */
export type SystemCapabilities = Pick<
  BackendCapabilities,
  | 'locking'
  | 'lockEvidence'
  | 'guardPages'
  | 'protection'
  | 'dumpExclusion'
  | 'forkBehaviour'
  | 'kernelHidden'
>;

/** The usable bytes of one region: guards are not counted. */
export interface Span {
  readonly address: Address;
  readonly byteLength: number;
}

/** Memory that bytes are copied from or to: a page of ours, or an array whose address the FFI takes itself. */
export type Place = Address | Uint8Array;

/**
 * What one operating system does for the backend: one file for each (`linux.ts`, `darwin.ts`, `kernel32.ts`) with these
 * signatures, and system calls nowhere else. Arguments are checked already: lengths are positive multiples of the page, and
 * spans are whole live regions, except in `zero` and `copy`, which work on any part of an accessible one. What fails throws
 * SecureMemoryError and has changed nothing.
 */
export interface System {
  readonly pageByteLength: number;

  /**
   * What a region has here, found by making one and asking the system about it. The lock is tried where the limit has room,
   * and given back at once; where it has none the answer is the same, because a region that cannot be locked is never made.
   * Throws `ERR_SECMEM_BACKEND_UNAVAILABLE` where no region can be made whatever the limit.
   */
  observe(): SystemCapabilities;

  lockLimit(): LockLimit;
  raiseLockLimit(byteLength: number): LockLimit;
  lockedByteLength(): number | 'unknown';

  /** A region with everything that `observe` promised, zeroed and `read-write`; or nothing exists. */
  map(byteLength: number): Address;
  /** `operation` is what the backend was asked for: opening a closed region may be a part of it. */
  protect(span: Span, protection: Protection, operation: string): void;
  unmap(span: Span): void;

  zero(address: Address, byteLength: number): void;
  /** The ranges may overlap. */
  copy(to: Place, from: Place, byteLength: number): void;

  inspect(spans: readonly Span[]): (RegionFacts | 'unknown')[];

  /** Gives back what the system object itself holds, such as descriptors. Regions are not touched. */
  close(): void;
}
