import type { Random } from './random.mjs';

/** Something that is fed with bytes. One process runs one target, so it may keep state of its own from run to run. */
export interface Target {
  /**
   * One run. Whatever the bytes are it must come back; what it throws is a finding, as is a process that dies or hangs. What it
   * returns are features of the run, such as `read:badRange`: an input that shows a new one is kept and mutated further.
   */
  run(bytes: Uint8Array): Iterable<string> | Promise<Iterable<string>>;
}

/** What a file of `targets/` exports by default. */
export interface TargetDefinition {
  /** Longest input in bytes that mutation makes. */
  readonly byteLengthMax: number;
  /**
   * A new input that is well formed most of the time, for a target that would refuse nearly all of random bytes at once. Absent where
   * any bytes mean something.
   */
  readonly make?: (random: Random) => Uint8Array;
  /** Called once, before the first run. An error here is not a finding: the target cannot be had on this machine. */
  open(): Target | Promise<Target>;
}

/** How far a process has come. */
export interface TargetProgress {
  readonly runs: number;
  /** Inputs of the corpus, and those that showed something new. */
  readonly kept: number;
  readonly features: number;
}

/** What a process of one target says: now and then, and once with `end` when it ends by itself. */
export interface TargetReport extends TargetProgress {
  readonly end?: TargetEnd;
}

export interface TargetEnd {
  /** Why there was nothing to run. */
  readonly notProven?: string;
  /** The message and the stack of what a run threw. */
  readonly finding?: string;
}
