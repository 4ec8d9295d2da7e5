import type { SecureMemoryError } from '../contract/errors.js';
import type { LimitInForce } from './lock-budget.js';

/**
 * Why a place could not be had now. A plain description, since most shortages end in waiting and an error with a stack
 * would be made for nothing.
 */
export interface Shortage {
  /**
   * `budget`: our own account says no. `kernel`: the system refused. `secrets`: there are as many secrets as allowed.
   * `never`: it cannot fit, whatever is released.
   */
  readonly by: 'budget' | 'kernel' | 'secrets' | 'never';
  readonly requestedByteLength: number;
  readonly inUseByteLength: number;
  readonly limit: LimitInForce;
  /** What `map` threw, when the system refused. */
  readonly error?: SecureMemoryError;
}

export function isShortage(value: unknown): value is Shortage {
  return typeof value === 'object' && value !== null && 'by' in value && 'limit' in value;
}

/**
 * Whether it does not fit under the limit in force nor into what is held, whatever is released; then nobody gives anything up for
 * it. A limit that was lowered takes away nothing that is mapped.
 */
export function isHopeless({ requestedByteLength, inUseByteLength, limit }: Shortage): boolean {
  return requestedByteLength > Math.max(limit.byteLength, inUseByteLength);
}
