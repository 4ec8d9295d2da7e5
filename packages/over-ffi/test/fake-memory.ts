import type { Address } from '../src/address.js';

/** What happened, in order, as the stand-ins of the systems note it. */
export interface Journal {
  readonly events: string[];
  /** Calls that fail from now on, by name, with the number to give. */
  readonly refusals: Map<string, number>;
  lastNumber: number;
}

export function journal(): Journal {
  return { events: [], refusals: new Map(), lastNumber: 0 };
}

/** True where the call is to fail. */
export function refused(log: Journal, name: string): boolean {
  const number = log.refusals.get(name);
  if (number === undefined) return false;
  log.lastNumber = number;
  return true;
}

/** Addresses that no memory stands behind: the stand-ins never follow one. */
export const BASE = 0x10000n as Address;
