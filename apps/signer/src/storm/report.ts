import type { BackendName } from '../signing/backend.js';
import type { Placement, StormOnCapacity } from './options.js';

/** What one storm showed. Byte lengths are bytes, times milliseconds. */
export interface StormReport {
  readonly backend: BackendName;
  readonly placement: Placement;
  readonly onCapacity: StormOnCapacity;
  readonly memlockByteLength: number;
  readonly budgetByteLength: number;
  /** The limit binds the signing process: a probe under the same confinement failed at the first page beyond it. */
  readonly confined: boolean;
  readonly concurrency: number;
  readonly requests: number;
  readonly succeeded: number;
  /** Of those, the ones whose sender an independent library recovered, and that sign what was asked for. */
  readonly verified: number;
  readonly failedByCode: Readonly<Record<string, number>>;
  /** The process that signs died. */
  readonly crashed: boolean;
  readonly admissionWaits: number;
  readonly queueLengthPeak: number;
  readonly peakLockedByteLength: number;
  readonly lockedByteLengthBefore: number;
  readonly lockedByteLengthAfter: number;
  readonly unhandledRejections: number;
  readonly wallMs: number;
  readonly signMs: number;
  readonly verifyMs: number;
  /** Successes per second of signing, without verification. */
  readonly requestsPerSecond: number;
  /** With a keeper, `crashed` is the host's, and the memory figures are the keeper's over all its lives. */
  readonly keeperCrashes?: number;
  readonly keeperRestarts?: number;
  readonly keeperCauses?: readonly string[];
}
