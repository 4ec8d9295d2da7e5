import type { ForkBehaviour, MemoryBackend, Protection, RegionId } from '@securemem/core/contract';
import type { Marker } from './marker.js';

/** Thrown by evidence that this machine cannot give. It is neither a success nor a failure of the backend. */
export class NotProven extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'NotProven';
  }
}

/** What the process has, as an observer counts it. */
export interface Counts {
  readonly lockedByteLength: number;
  readonly mappings: number;
  readonly descriptors: number;
}

/** What an observer sees of a region, on all of its pages. `mixed`: not all of it has the same protection. */
export interface ObservedFacts {
  readonly mapped: boolean;
  readonly lockedByteLength: number;
  readonly protection: Protection | 'mixed' | 'executable';
  readonly guardBefore: boolean;
  readonly guardAfter: boolean;
  readonly dumpExcluded: boolean;
  readonly forkBehaviour: ForkBehaviour;
}

/** Where a region is, as the evidence found it. Nothing but the evidence looks inside. */
export interface Place {
  readonly byteLength: number;
  readonly handle: unknown;
  /** What was true before anybody touched the region: a lock that waits for the first touch is none as yet. */
  readonly untouched: ObservedFacts;
}

/** What `inspect` answers at first, and after each thing that was taken from the region behind the backend's back. */
export type TamperAnswers = Readonly<
  Record<'before' | 'closed', unknown> &
    Partial<
      Record<'unlockedLastPage' | 'unlocked' | 'inDumps' | 'inChildren' | 'unguarded', unknown>
    >
>;

/** One touch of one byte of a fresh region, in a process that may die of it. */
export interface Touch {
  readonly pages: number;
  readonly protection: Protection;
  /** From the first byte of the region; negative or past the end for guards. */
  readonly offset: { readonly pages: number; readonly bytes: number };
  readonly access: 'read' | 'write';
  /** `address` reaches outside the region and needs no views; `view` goes through the backend's own view. */
  readonly via: 'view' | 'address';
}

/** A process that was given a secret in a variable of its environment, before and after a backend took it into a region. */
export interface VariableFound {
  /** Copies of the value in the memory of the process; after the call those in the region are not counted. */
  readonly before: number;
  readonly after: number;
  /** Whether the region has the value. */
  readonly inRegion: boolean;
  /** Whether the kernel shows the value to whoever may read the environment of the process. */
  readonly shown: boolean;
  /** What `environmentByteLength` answers before and after the call. */
  readonly byteLengthBefore: number | undefined;
  readonly byteLengthAfter: number | undefined;
  /** Whether the variables are as they were whose names begin or end with that of the one that was taken. */
  readonly neighboursKept: boolean;
  readonly places: number;
}

/** A lock limit for a child, in bytes. */
export interface Confinement {
  readonly softByteLength: number;
  readonly hardByteLength: number;
}

/** System calls that a child can be refused. */
export type RefusedCall = 'mlock' | 'madvise' | 'mprotect' | 'munmap';

/**
 * What is asked instead of the backend: the operating system, or a simulated kernel. Every method may throw `NotProven`.
 * The methods that take no backend open one of their own, in a child where the question is a deadly one.
 */
export interface Evidence {
  /** Appears in the report, such as `operating system (Linux)`. */
  readonly name: string;

  /**
   * Sees whether this process can be observed at all, before a backend is loaded: what can no longer be seen afterwards is the
   * backend's doing and no lack of the machine.
   */
  begin(): Promise<void>;

  /** What the process has in all. */
  counts(): Promise<Counts>;

  /** Finds a new region in memory, by what is written into it. Its bytes are zero afterwards. */
  locate(backend: MemoryBackend, region: RegionId, byteLength: number): Promise<Place>;

  /** What is true of the region at a place. */
  facts(place: Place): Promise<ObservedFacts>;

  /** What somebody else reads there; `unreadable` when even the kernel cannot. */
  content(place: Place, byteOffset: number, byteLength: number): Promise<Uint8Array | 'unreadable'>;

  /** How often the marker stands in the memory of this process. */
  copies(marker: Marker): Promise<number>;

  /** Whether a number is an address in a region or close to it. */
  isInside(place: Place, value: number): Promise<boolean>;

  /** What a touch of one byte does to whoever touches it. */
  touch(touch: Touch): Promise<'dies' | 'survives'>;

  /** Whether the core file of a child that aborts holds what was on any page of a region, at any level of protection. */
  coreHolds(): Promise<boolean>;

  /** What a forked child finds on each page of a region: of a new one, and of one that was closed and opened again. */
  forkedView(): Promise<readonly ForkBehaviour[]>;

  /** What `inspect` answers before and after the region is changed from outside. */
  tamper(): Promise<TamperAnswers>;

  /** What opening and disposing changes about the process, by name: limits, privileges, listeners. Nothing, if all is well. */
  opening(): Promise<readonly string[]>;

  /** Copies of a marker in regions at each level while their thread runs, and after the thread was terminated. */
  terminateThread(): Promise<{ readonly during: number; readonly after: number }>;

  /** What becomes of a secret in the environment of a process that takes it into a region. */
  takeVariable(): Promise<VariableFound>;

  /** Runs a task of `child/tasks.mjs`, under a lock limit where one is given. */
  task<Result>(name: string, parameters: object, confinement?: Confinement): Promise<Result>;

  /** Ends what was started. */
  close(): Promise<void>;
}
