import {
  DESCRIPTORS_REMEDY,
  MAP_LIMIT_REMEDY,
  OUT_OF_MEMORY_REMEDY,
  RAISE_BUDGET_REMEDY,
  RAISE_FALLBACK_BUDGET_REMEDY,
  RAISE_SECRETS_REMEDY,
  raiseLockLimitRemedy,
} from './remedies.js';
import type { Shortage } from './shortage.js';

/**
 * What whoever asked can do, or did: `may wait`, by another form of the call or another policy; `cannot wait`, since the call has
 * no such form; `seals`, which is what others are told to do; `waited` in vain. Nobody is told to do what was done already.
 */
export type Asker = 'may wait' | 'cannot wait' | 'seals' | 'waited';

const ASKERS: Readonly<Record<string, Asker>> = {
  allocateSync: 'may wait',
  seal: 'seals',
  store: 'seals',
};

/** Who asks by this operation, having waited for nothing. */
export function askerOf(operation: string): Asker {
  return ASKERS[operation] ?? 'cannot wait';
}

const WAIT = 'wait for a place (allocate() with onCapacity: "wait")';

/** What makes room under a limit, beside raising it. */
const MAKE_ROOM: Readonly<Record<Asker, string>> = {
  'may wait': `release secrets, seal cold ones, ${WAIT}, or `,
  'cannot wait': 'release secrets, seal cold ones, or ',
  seals: 'release secrets, or ',
  waited:
    'hold secrets for less long, take what one task needs at once (allocateAll), wait longer (waitMsMax), or ',
};

/** No system has smaller ones: under a limit below this nothing can be locked. */
const PAGE_BYTE_LENGTH_MIN = 4096;

/** For what fits when others release what they hold. */
export function adviceFor(shortage: Shortage, asker: Asker, operation: string): string {
  // Secrets hold no descriptors, so no release makes room for one.
  if (shortage.error?.details.limit === 'descriptors') return DESCRIPTORS_REMEDY;
  const raising = raise(shortage, operation);
  // Where not one page fits, nobody holds one that could be released or waited for.
  return leavesNothing(shortage) ? raising : `${MAKE_ROOM[asker]}${raising}`;
}

/** For what no release makes room for. */
export function adviceForTooLarge(shortage: Shortage): string {
  const { requestedByteLength, limit } = shortage;
  const raising =
    limit.source === 'kernel' ? raiseLockLimitRemedy(requestedByteLength) : RAISE_BUDGET_REMEDY;
  return leavesNothing(shortage) ? raising : `ask for fewer bytes, or ${raising}`;
}

function leavesNothing({ inUseByteLength, limit }: Shortage): boolean {
  return inUseByteLength === 0 && limit.byteLength < PAGE_BYTE_LENGTH_MIN;
}

/** For a request that must not overtake those who wait. */
export function adviceInQueue(asker: Asker): string {
  if (asker === 'waited') return 'hold secrets for less long, or wait longer (waitMsMax)';
  return asker === 'may wait' ? `${WAIT}, or try again later` : 'try again later';
}

function raise(shortage: Shortage, operation: string): string {
  const { by, requestedByteLength, inUseByteLength, limit, error } = shortage;
  if (by === 'secrets') return RAISE_SECRETS_REMEDY;
  if (error?.code === 'ERR_SECMEM_MAP_LIMIT') return MAP_LIMIT_REMEDY;
  if (error?.code === 'ERR_SECMEM_OUT_OF_MEMORY') return OUT_OF_MEMORY_REMEDY;
  if (error !== undefined || limit.source === 'kernel') {
    // Others in the process lock too: the kernel counts what we cannot see.
    const locked = Math.max(inUseByteLength, error?.details.inUseByteLength ?? 0);
    return raiseLockLimitRemedy(locked + requestedByteLength);
  }
  return operation === 'fallback' ? RAISE_FALLBACK_BUDGET_REMEDY : RAISE_BUDGET_REMEDY;
}
