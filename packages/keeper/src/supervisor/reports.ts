import type { CrashReport, CrashSummary } from './crash-report.js';

/**
 * Where a keeper is: `starting`, `ready`, waiting for the next life (`restarting`), refusing everything after a crash
 * (`halted`, `lost`), or `closed` by the host.
 */
export type KeeperState = 'starting' | 'ready' | 'restarting' | 'halted' | 'lost' | 'closed';

/** What the event `restart` says. */
export interface RestartReport {
  readonly generation: number;
  readonly pid: number;
  /** How many restarts the policy has caused, this one included if it is one of them. */
  readonly restarts: number;
  /** Whether the host asked for it with `restart()`. */
  readonly planned: boolean;
}

/** What `keeper.on` reports. Listeners run in a turn of their own: what they throw is an ordinary uncaught exception. */
export interface KeeperEvents {
  /** Once for each end that nobody asked for, a failed start included. */
  readonly crash: CrashReport;
  /** The next life is provisioned and takes calls. */
  readonly restart: RestartReport;
  /** This keeper refuses everything from now on, because of its own crash or of one that shares its policy object. */
  readonly halt: Error;
}

/** A listener for some of the events. */
export type KeeperListeners = {
  readonly [Name in keyof KeeperEvents]?: (report: KeeperEvents[Name]) => void;
};

/** Everything countable about a keeper now. */
export interface KeeperStats {
  readonly state: KeeperState;
  /** Which life it is, counted from 1. */
  readonly generation: number;
  /** The id of the process; 0 while there is none. */
  readonly pid: number;
  /** Calls accepted, all lives together. */
  readonly calls: number;
  /** Calls that the keeper has and has not answered. */
  readonly openCalls: number;
  /** Calls that wait in the host: for room on the channel or for a restart. */
  readonly waitingCalls: number;
  readonly crashes: number;
  readonly restarts: number;
  /** Restarts that the host asked for. */
  readonly plannedRestarts: number;
  /** Calls sent a second time, after a restart. */
  readonly replays: number;
  /** Host functions started on behalf of the keeper. */
  readonly hostCalls: number;
  /** Results of host functions that came after the death of the keeper that had asked; they were dropped. */
  readonly lateResults: number;
  /** The last 20 ends of a process, requested ones included, oldest first, without any text of the keeper's own. */
  readonly lastEndings: readonly CrashSummary[];
}

/** What is counted over all lives of one keeper. */
export interface Counters {
  calls: number;
  crashes: number;
  restarts: number;
  plannedRestarts: number;
  replays: number;
  hostCalls: number;
  lateResults: number;
}

export function newCounters(): Counters {
  return {
    calls: 0,
    crashes: 0,
    restarts: 0,
    plannedRestarts: 0,
    replays: 0,
    hostCalls: 0,
    lateResults: 0,
  };
}
