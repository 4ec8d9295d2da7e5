import type { CrashReport } from '../supervisor/crash-report.js';
import type { KeeperStats, RestartReport } from '../supervisor/reports.js';

/** Which member of a pool something is about, counted from 0. */
export interface OfMember {
  readonly member: number;
}

/** What the event `lost` says. */
export interface MemberLost extends OfMember {
  /** The crash after which the policy started nothing. */
  readonly cause: Error;
}

/** What `pool.on` reports. Listeners run in a turn of their own: what they throw is an ordinary uncaught exception. */
export interface KeeperPoolEvents {
  /** Once for each end of a member that nobody asked for, a failed start included. */
  readonly crash: CrashReport & OfMember;
  /** The next life of a member is provisioned and takes calls. */
  readonly restart: RestartReport & OfMember;
  /** A member will not be started again; the others go on. */
  readonly lost: MemberLost;
  /** All members refuse everything from now on, because one crashed, or a keeper that shares their policy object. Once. */
  readonly halt: Error;
}

/** A listener for some of the events. */
export type KeeperPoolListeners = {
  readonly [Name in keyof KeeperPoolEvents]?: (report: KeeperPoolEvents[Name]) => void;
};

/** Everything countable about one member now. */
export interface MemberStats extends KeeperStats {
  /** Whether it is kept from calls by `pool.drain`. */
  readonly drained: boolean;
}

/** Everything countable about a pool now: sums over its members, and each of them. */
export interface KeeperPoolStats {
  /** Members that take calls in this moment. */
  readonly readyMembers: number;
  /** Members that are lost or halted. */
  readonly lostMembers: number;
  readonly calls: number;
  readonly openCalls: number;
  /** Calls that wait in the host: for any member, or for theirs. */
  readonly waitingCalls: number;
  readonly crashes: number;
  readonly restarts: number;
  readonly plannedRestarts: number;
  readonly replays: number;
  readonly hostCalls: number;
  readonly lateResults: number;
  readonly members: readonly MemberStats[];
}

/** What is summed up. */
const SUMS = [
  'calls',
  'openCalls',
  'crashes',
  'restarts',
  'plannedRestarts',
  'replays',
  'hostCalls',
  'lateResults',
] as const satisfies readonly (keyof KeeperStats & keyof KeeperPoolStats)[];

/** The sums over the members; `waitingCalls` are those that wait for any of them. */
export function sumUp(members: readonly MemberStats[], waitingCalls: number): KeeperPoolStats {
  const sum = (count: (member: MemberStats) => number): number =>
    members.reduce((total, member) => total + count(member), 0);
  const sums = Object.fromEntries(SUMS.map((name) => [name, sum((member) => member[name])]));
  return {
    readyMembers: sum(({ state, drained }) => Number(state === 'ready' && !drained)),
    lostMembers: sum(({ state }) => Number(state === 'lost' || state === 'halted')),
    ...(sums as Record<(typeof SUMS)[number], number>),
    waitingCalls: waitingCalls + sum((member) => member.waitingCalls),
    members,
  };
}
