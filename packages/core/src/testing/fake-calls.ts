import type { RegionId } from '../contract/index.js';

/** The methods of a backend, and the two of a view, as the simulated kernel counts them. */
export const FAKE_OPERATIONS = [
  'lockLimit',
  'raiseLockLimit',
  'lockedByteLength',
  'map',
  'protect',
  'wipe',
  'read',
  'write',
  'openView',
  'closeView',
  'inspect',
  'unmap',
  'seal',
  'unseal',
  'sign',
  'signLater',
  'publicKey',
  'agree',
  'openKey',
  'closeKey',
  'environmentByteLength',
  'takeEnvironment',
  'dispose',
] as const;

/** A method of the contract, as the log of calls names it. */
export type FakeOperation = (typeof FAKE_OPERATIONS)[number];

/** One call that reached a fake backend. */
export interface FakeCall {
  readonly operation: FakeOperation;
  readonly backend: string;
  readonly region?: RegionId;
  readonly byteOffset?: number;
  readonly byteLength?: number;
  /** The new protection, or the outcome of a view. */
  readonly detail?: string;
}

const ENTRIES_MIN = 10_000;

/** Counts every call and remembers the newest. */
export class CallLog {
  readonly counts: Record<FakeOperation, number>;
  readonly entries: FakeCall[] = [];

  constructor() {
    this.counts = Object.fromEntries(FAKE_OPERATIONS.map((name) => [name, 0])) as Record<
      FakeOperation,
      number
    >;
  }

  add(call: FakeCall): void {
    this.counts[call.operation] += 1;
    if (call.operation === 'lockLimit' || call.operation === 'lockedByteLength') return;
    this.entries.push(call);
    // Dropping half at a time keeps the cost of a call constant.
    if (this.entries.length >= 2 * ENTRIES_MIN) this.entries.splice(0, ENTRIES_MIN);
  }
}
