import type { Facts } from './facts.js';
import type { Need } from './need.js';

/**
 * - `good`: nothing to do.
 * - `note`: worth knowing.
 * - `weak`: a protection is less than it could be.
 * - `blocked`: something that was asked for, or secure memory as such, is not possible.
 */
export type Level = 'good' | 'note' | 'weak' | 'blocked';

/** What one check found, in words, with the lines that mend it. */
export interface Finding {
  readonly id: string;
  readonly level: Level;
  readonly says: string;
  /** Lines to paste or sentences to follow; empty where there is nothing to mend. */
  readonly remedies: readonly string[];
}

/** Pure: the facts decide, and nothing else is asked. Undefined where the check has nothing to say of such a machine. */
export type Check = (facts: Facts, need: Need) => Finding | undefined;
