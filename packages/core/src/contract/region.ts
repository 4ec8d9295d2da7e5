import type { ForkBehaviour, Protection } from './capabilities.js';

/**
 * The name of one region: a number with a generation in it, never an address. A region that takes the place of a
 * released one has another id, and the old id is refused for ever (`ERR_SECMEM_DISPOSED`).
 */
export type RegionId = number & { readonly __brand: 'RegionId' };

/** A part of a region. Lies inside it, by precondition. */
export interface RegionRange {
  readonly region: RegionId;
  /** In bytes from the first usable byte of the region; guards are not counted. */
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** What the operating system says of one region now. Never the backend's own notes. */
export interface RegionFacts {
  /** Bytes of the region that are locked. */
  readonly lockedByteLength: number;
  readonly protection: Protection;
  readonly guarded: boolean;
  readonly dumpExcluded: boolean;
  readonly forkBehaviour: ForkBehaviour;
}

/**
 * What became of a view when it was closed.
 *
 * - `revoked`: every typed array over it has length 0.
 * - `escaped`: somebody had transferred the buffer before; an alias of the region may live on.
 * - `stuck`: the buffer refused to be detached and still shows the region.
 *
 * After `escaped` and `stuck` the region must stay mapped and accessible for as long as the alias may live, since a
 * touch of a closed page would kill the process.
 */
export type ViewOutcome = 'revoked' | 'escaped' | 'stuck';

/** An ArrayBuffer over a part of a region, and nothing else: `bytes.buffer` is exactly the requested range. */
export interface View {
  readonly bytes: Uint8Array;

  /** Idempotent: later calls repeat the first outcome. Never throws. */
  close(): ViewOutcome;

  /**
   * After `escaped` or `stuck`: whether something may still show the region. `false` once the last alias is garbage, and
   * for ever after; `unknown` where the backend cannot tell, to be read as "for the life of the process".
   */
  aliasAlive(): boolean | 'unknown';
}
