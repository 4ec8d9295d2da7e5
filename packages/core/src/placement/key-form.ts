import type { BackendCapabilities } from '../contract/capabilities.js';

/**
 * How the sealing key rests between two calls.
 *
 * - `two-shares`: in two regions, each of which alone is random bytes; whole only while a cipher reads it.
 * - `two-closed-shares`: the same, and both are closed between calls as far as the backend goes.
 * - `one-page`: whole, in one region that is closed between calls as far as the backend goes.
 */
export type SealingKeyForm = 'two-shares' | 'two-closed-shares' | 'one-page';

/** Below a budget of so many pages the key takes one of them, not two: there a page is more than an eighth of what there is. */
export const PAGES_FOR_SHARES = 8;

/**
 * The form that a backend and a budget of `pages` pages allow. A backend that works on its pages but shows none of them would have
 * to give the shares out as copies for each call; there one closed page is the smaller risk. Where node:crypto works it is
 * given a copy anyway.
 */
export function sealingKeyFormOf(
  { views, cipher }: BackendCapabilities,
  closed: boolean,
  pages: number,
): SealingKeyForm {
  if (pages < PAGES_FOR_SHARES) return 'one-page';
  if (views === 'none' && cipher === 'in-place') return 'one-page';
  return closed ? 'two-closed-shares' : 'two-shares';
}
