/** One way to do what a case measures. */
export interface Loop {
  /** Performs the operation `count` times, in a loop of its own, so that what is timed is the operation and not a call
   *  of it. Anything thrown fails the benchmark. */
  run(count: number): void | Promise<void>;
  /** A run performs a multiple of this many operations; 1 when absent. */
  readonly countUnit?: number;
  /** Between two runs; not measured. */
  settle?(): void | Promise<void>;
  /** The most operations that one run may perform. */
  readonly countMax?: number;
  /** Releases what `open` took; awaited. */
  close?(): unknown;
}

/** A subject opens its loop in a process of its own, or throws an error that says why it can't be measured here. */
export type OpenLoop = () => Loop | Promise<Loop>;

/** So many times the median of a case, by the same subject as the target's or by another one. */
export interface Term {
  readonly times: number;
  readonly name: string;
  readonly subject: string;
}

/** The subject takes at most the sum of the terms. */
export interface Target {
  readonly subject: string;
  readonly atMost: readonly Term[];
}

export interface Case {
  readonly name: string;
  /** The operation, for the table. */
  readonly what: string;
  readonly subjects: Readonly<Record<string, OpenLoop>>;
  readonly targets: readonly Target[];
}

/** What one case took with one subject, one value for each round. */
export interface Measurement {
  readonly name: string;
  readonly subject: string;
  readonly nsPerOp: number[];
}
