import { requireSignal } from '../common/abort-signal.js';
import { ownOptions } from '../contract/own-properties.js';
import {
  integer,
  type OnCapacity,
  oneOf,
  REGION_BYTE_LENGTH_MAX,
  TIMER_MS_MAX,
} from '../options.js';
import type { RequestOptions } from '../requests/granter.js';

/** Options of a call that throws at once instead of waiting. */
export interface AllocateSyncOptions {
  /** Instead of the allocator's; `'wait'` acts as `'throw'` here. */
  readonly onCapacity?: OnCapacity;
}

/** Options of a call that may wait for a place. */
export interface AllocateOptions extends AllocateSyncOptions {
  /** Ends the wait: the call rejects with `signal.reason` and has taken nothing. */
  readonly signal?: AbortSignal;
  /** Instead of the allocator's `admission.waitMsMax`, in milliseconds, 0 to 2^31 - 1. */
  readonly waitMsMax?: number;
}

/** Most secrets that one call takes as a set. */
export const SET_LENGTH_MAX = 65_536;

/** The names in `AllocateOptions`. */
export const ALLOCATE_NAMES = ['onCapacity', 'signal', 'waitMsMax'] as const;

const NONE: RequestOptions = Object.freeze(Object.create(null));

/** Throws `TypeError` or `RangeError` for anything but 1 to 2^30 bytes. */
export function checkByteLength(byteLength: number): number {
  // The common case, in a form that compiles to two comparisons.
  if ((byteLength | 0) === byteLength && byteLength > 0 && byteLength <= REGION_BYTE_LENGTH_MAX) {
    return byteLength;
  }
  return integer('byteLength', byteLength, 1, REGION_BYTE_LENGTH_MAX);
}

export function checkByteLengths(byteLengths: readonly number[]): readonly number[] {
  if (!Array.isArray(byteLengths)) throw new TypeError('byteLengths must be an array');
  integer('the number of secrets', byteLengths.length, 1, SET_LENGTH_MAX);
  for (const byteLength of byteLengths) checkByteLength(byteLength);
  return [...byteLengths];
}

/** The options of a call that may wait, as its caller wrote them. */
export function checkRequest(options: AllocateOptions | undefined): RequestOptions {
  if (options === undefined) return NONE;
  return requestOf(ownOptions(options, ALLOCATE_NAMES, 'options'));
}

/** What a call that takes more than `AllocateOptions` says of its wait. `own` has no prototype. */
export function requestOf(own: AllocateOptions): RequestOptions {
  const { signal, waitMsMax } = own;
  requireSignal(signal);
  if (waitMsMax !== undefined) integer('waitMsMax', waitMsMax, 0, TIMER_MS_MAX);
  return { signal, waitMsMax, onCapacity: onCapacityOf(own) };
}

/** How long the end of something is waited for: what its caller wrote, or what the allocator says. */
export function waitMsMaxOf(
  own: { readonly waitMsMax?: number },
  allocator: { readonly waitMsMax: number },
): number {
  return integer('waitMsMax', own.waitMsMax ?? allocator.waitMsMax, 0, TIMER_MS_MAX);
}

/** The options of a call that throws at once, as its caller wrote them. */
export function checkOnCapacity(options: AllocateSyncOptions | undefined): OnCapacity | undefined {
  if (options === undefined) return undefined;
  return onCapacityOf(ownOptions(options, ['onCapacity'], 'options'));
}

/** The same of options that were copied. `own` has no prototype. */
export function onCapacityOf({ onCapacity }: AllocateSyncOptions): OnCapacity | undefined {
  if (onCapacity === undefined) return undefined;
  return oneOf('onCapacity', onCapacity, ['wait', 'throw', 'fallback', 'abort']);
}
