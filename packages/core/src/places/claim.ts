import type { SecureMemoryError } from '../contract/errors.js';
import type { Reach } from '../placement/region-source.js';

/**
 * One request that may have to wait. Granting it takes its places and hands them over in the same step, so that a waiter
 * is resolved with its slots already taken and nothing can come in between.
 */
export interface Claim {
  /** Claims with the same need are granted or refused alike, at one moment and within one reach. */
  readonly need?: string;
  /** Takes every place of the request and hands them over; false, with nothing taken, when there is no room now. */
  tryGrant(reach: Reach): boolean;
  /**
   * It was overtaken often enough: from now on nobody else gets a place that it could use. `letGo` follows once. Without this
   * nobody overtakes it any more.
   */
  keep?(): void;
  letGo?(): void;
  /** The error with which waiting would end in vain: the request can never fit under the limit in force now. */
  impossible(): SecureMemoryError | undefined;
  /** What to say when the wait was too long; with the numbers of this moment. */
  timedOut(waitedMs: number): SecureMemoryError;
  reject(reason: unknown): void;
}

/** A claim in the queue. */
export interface Waiter {
  readonly claim: Claim;
  /** Shared with the previous waiter when equal, so that comparing is a pointer comparison. */
  readonly need: string | undefined;
  /** Whoever may cancel it: the phase it belongs to. */
  readonly owner: object;
  /** In milliseconds. */
  readonly since: number;
  readonly signal: AbortSignal | undefined;
  /** It is in the queue. What leaves the queue leaves it once. */
  linked: boolean;
  /** Withdraws it from its signal. */
  withdraw: (() => void) | undefined;
  timer: NodeJS.Timeout | undefined;
  previous: Waiter | undefined;
  next: Waiter | undefined;
  /** Later requests that were served while this one was first and waiting, with places that it might have used. */
  overtaken: number;
  /** What it could use is kept for it. */
  keeps: boolean;
}

export interface WaitOptions {
  readonly waitMsMax: number;
  readonly signal?: AbortSignal | undefined;
  readonly owner: object;
}
