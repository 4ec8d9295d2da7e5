import { totalmem } from 'node:os';
import { ownProperties } from '@securemem/core';
import {
  type CompleteOptions,
  completeListeners,
  completeOptions,
  integer,
} from '../complete-options.js';
import type { KeeperOptions } from '../options.js';
import type { KeeperPoolEvents, KeeperPoolListeners } from './reports.js';

/** What `openKeeperPool()` takes: what one keeper takes, for each of its members, and how many there are. */
export interface KeeperPoolOptions extends Omit<KeeperOptions, 'listeners'> {
  /** Members, each a process of its own with all limits of its own; 1 to 64. */
  readonly size: number;
  /** Listeners from before the first start on. See `pool.on`. */
  readonly listeners?: KeeperPoolListeners;
}

/** The options of a pool, read. */
export interface CompletePoolOptions {
  readonly size: number;
  readonly listeners: KeeperPoolListeners;
  readonly member: CompleteOptions;
}

const SIZE_MAX = 64;

const EVENTS: Readonly<Record<keyof KeeperPoolEvents, true>> = {
  crash: true,
  restart: true,
  lost: true,
  halt: true,
};

/** Throws `TypeError` or `RangeError` for what is unknown or outside its documented range. */
export function completePoolOptions(options: KeeperPoolOptions): CompletePoolOptions {
  const { size, listeners, ...member } = ownProperties(options, 'openKeeperPool: options');
  const complete = {
    size: integer('openKeeperPool: size', size, 1, SIZE_MAX),
    listeners: completeListeners<KeeperPoolListeners>(listeners, EVENTS),
    member: completeOptions(member),
  };
  requireRoom(complete);
  return ownProperties(complete, 'options');
}

/** Each member locks up to its own limit, so the machine needs room for all of them. */
function requireRoom({ size, member }: CompletePoolOptions): void {
  const { lockedByteLengthMax } = member.limits;
  if (lockedByteLengthMax === undefined || size * lockedByteLengthMax <= totalmem()) return;
  throw new RangeError(
    `openKeeperPool: ${size} members that may lock ${lockedByteLengthMax} bytes each do not fit into the ${totalmem()} bytes ` +
      'of this machine: lower size or limits.lockedByteLengthMax',
  );
}
