/** What one step of hardening is about. */
export type Measure = 'not-dumpable' | 'core-limit' | 'lock-limit' | 'cpu-limit';

/** What became of one step, read back from the system. */
export interface HardenStep {
  readonly measure: Measure;
  /** `already`: it was as strict or stricter before, and nothing was changed. */
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

/** What an operating system does of it; see `linux-harden.ts`. */
export interface Hardening {
  notDumpable(): HardenStep;
  coreLimit(byteLengthMax: number): HardenStep;
  lockLimit(byteLengthMax: number): HardenStep;
  cpuLimit(secondsMax: number): HardenStep;
}
