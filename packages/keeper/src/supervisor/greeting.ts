import { ownProperties } from '@securemem/core';
import { ProtocolViolation } from '../channel/frame.js';
import type { KeeperLimitsInForce } from '../limits.js';

/** What a keeper says once it is provisioned. */
export interface Greeting {
  /** The names of its operations, and their indices on the channel. */
  readonly operations: ReadonlyMap<string, number>;
  /** Undefined where the system of the keeper does not tell. */
  readonly limits: KeeperLimitsInForce | undefined;
}

/** Those of the limits that are numbers, or say that there is none. */
const COUNTS = [
  'lockedByteLength',
  'coreByteLength',
  'cpuSeconds',
  'dataByteLength',
  'openFiles',
  'heapByteLength',
] as const satisfies readonly (keyof KeeperLimitsInForce)[];

/** What a keeper says of its limits. Throws `ProtocolViolation` for what none of this build says. */
export function readLimits(said: unknown): KeeperLimitsInForce | undefined {
  if (said === undefined) return undefined;
  if (typeof said !== 'object' || said === null) throw malformed();
  const told = ownProperties(said, 'limits') as Readonly<Record<string, unknown>>;
  if (typeof told.noNewPrivileges !== 'boolean') throw malformed();
  const counts = Object.fromEntries(COUNTS.map((name) => [name, count(told[name])]));
  return Object.freeze({
    ...counts,
    noNewPrivileges: told.noNewPrivileges,
  } as unknown as KeeperLimitsInForce);
}

function count(value: unknown): number | 'unlimited' {
  if (value === 'unlimited' || (Number.isSafeInteger(value) && (value as number) >= 0)) {
    return value as number | 'unlimited';
  }
  throw malformed();
}

function malformed(): ProtocolViolation {
  return new ProtocolViolation('a malformed greeting');
}
