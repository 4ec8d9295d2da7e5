/** What one step of hardening is about. `no-inspector`: the debugger of the runtime itself, and what writes its heap to files. */
export type HardenMeasure =
  | 'not-dumpable'
  | 'core-limit'
  | 'lock-limit'
  | 'cpu-limit'
  | 'no-inspector';

/** What became of one step, read back from the system. */
export interface HardenStep {
  readonly measure: HardenMeasure;
  /** `already`: it was as strict or stricter before. */
  readonly outcome: 'set' | 'already' | 'failed';
  /** The limit in force now, in bytes or seconds. */
  readonly value?: number;
  /** Why it failed. */
  readonly reason?: string;
  readonly syscall?: string;
  readonly errno?: number;
}

/** What became of each step of hardening. */
export interface HardenReport {
  /** True when no step failed. */
  readonly complete: boolean;
  readonly steps: readonly HardenStep[];
}
