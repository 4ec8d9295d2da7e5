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

const NONE: RequestOptions = Object.freeze({});

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

export function checkRequest(options: AllocateOptions | undefined): RequestOptions {
  if (options === undefined) return NONE;
  const { signal, waitMsMax } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError('signal must be an AbortSignal');
  }
  if (waitMsMax !== undefined) integer('waitMsMax', waitMsMax, 0, TIMER_MS_MAX);
  return { signal, waitMsMax, onCapacity: checkOnCapacity(options) };
}

export function checkOnCapacity(options: AllocateSyncOptions | undefined): OnCapacity | undefined {
  if (options?.onCapacity === undefined) return undefined;
  return oneOf('onCapacity', options.onCapacity, ['wait', 'throw', 'fallback', 'abort']);
}
