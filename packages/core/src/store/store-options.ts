import { ownOptions } from '../contract/own-properties.js';
import { ALLOCATE_NAMES, type AllocateOptions } from '../lifetime/request.js';
import { integer, TIMER_MS_MAX } from '../options.js';
import type { Secret } from '../secret/secret.js';
import { ENTRIES_MAX } from './sealed-heap.js';

/** What `memory.store()` takes. Unknown names and bad values are refused with `TypeError` or `RangeError`. */
export interface StoreOptions {
  /**
   * Most secrets that stay open while nobody uses them, 0 to 65,536. Default 64: a working set, of one or two pages. With 0
   * each is wiped when its last user is done.
   */
  readonly hotMax?: number;
  /** They are wiped after this many milliseconds without use, 2 to 2^31 - 1; at the earliest after half. Default 1,000. */
  readonly hotMs?: number;
  /** Most entries, 1 to 16,777,215, which is the default: what one Map takes. */
  readonly entriesMax?: number;
}

/** Options of putting a secret into a store. */
export interface SetOptions extends AllocateOptions {
  /** The entry ends after this many milliseconds, 1 to 2^31 - 1. Default: never. */
  readonly ttlMs?: number;
}

/** The same of one that throws at once instead of waiting. */
export type SetSyncOptions = Pick<SetOptions, 'onCapacity' | 'ttlMs'>;

/** How far a bulk load is. */
export interface LoadProgress {
  readonly entries: number;
  /** Bytes of secrets. */
  readonly byteLength: number;
}

export interface LoadOptions extends SetOptions {
  /** Called about every thousand entries and at the end. What it throws ends the load. */
  readonly onProgress?: (progress: LoadProgress) => void;
}

/** What is loaded: names and secrets, made when they are asked for or all there already. */
export type LoadSource =
  | Iterable<readonly [string, Uint8Array | Secret]>
  | AsyncIterable<readonly [string, Uint8Array | Secret]>;

/** Everything countable about a store now. */
export interface StoreStats {
  readonly entries: number;
  /** Bytes of ordinary memory for ciphertexts and their notes, without the index of names. */
  readonly ordinaryByteLength: number;
  /** Secrets that are open now, and how many of them somebody uses. */
  readonly open: number;
  readonly inUse: number;
  /** Uses that found the secret open, and uses that had to open it; ever. */
  readonly hits: number;
  readonly misses: number;
  /** Open secrets that were wiped and freed, ever. */
  readonly evictions: number;
  /** Entries that came to their end, ever. */
  readonly expirations: number;
}

export interface ResolvedStoreOptions {
  readonly hotMax: number;
  readonly hotMs: number;
  readonly entriesMax: number;
}

export function resolveStoreOptions(given: StoreOptions | undefined): ResolvedStoreOptions {
  const options = ownOptions(given, ['hotMax', 'hotMs', 'entriesMax'], 'options');
  return {
    hotMax: integer('hotMax', options.hotMax ?? 64, 0, 65_536),
    hotMs: integer('hotMs', options.hotMs ?? 1_000, 2, TIMER_MS_MAX),
    entriesMax: integer('entriesMax', options.entriesMax ?? ENTRIES_MAX, 1, ENTRIES_MAX),
  };
}

/** The options of a set, as their caller wrote them. */
export function takeSetOptions(given: SetOptions | undefined): SetOptions {
  return ownOptions(given, [...ALLOCATE_NAMES, 'ttlMs'], 'options');
}

/** The options of a set that throws at once, as their caller wrote them. */
export function takeSetSyncOptions(given: SetSyncOptions | undefined): SetSyncOptions {
  return ownOptions(given, ['onCapacity', 'ttlMs'], 'options');
}

/** The options of a load, as their caller wrote them. */
export function takeLoadOptions(given: LoadOptions | undefined): LoadOptions {
  const own = ownOptions(given, [...ALLOCATE_NAMES, 'ttlMs', 'onProgress'], 'options');
  if (own.onProgress !== undefined && typeof own.onProgress !== 'function') {
    throw new TypeError('onProgress must be a function');
  }
  return own;
}

/** The time to live, checked. `own` has no prototype. */
export function ttlOf({ ttlMs }: Pick<SetOptions, 'ttlMs'>): number | undefined {
  return ttlMs === undefined ? undefined : integer('ttlMs', ttlMs, 1, TIMER_MS_MAX);
}
