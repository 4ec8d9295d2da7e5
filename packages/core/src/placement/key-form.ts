import type { BackendCapabilities } from '../contract/capabilities.js';

/**
 * How the sealing key rests between two calls.
 *
 * - `two-shares`: in two regions, each of which alone is random bytes; whole only while a cipher reads it.
 * - `two-closed-shares`: the same, and both are closed between calls as far as the backend goes.
 * - `one-page`: whole, in one region that is closed between calls as far as the backend goes.
 */
export type SealingKeyForm = 'two-shares' | 'two-closed-shares' | 'one-page';

/**
 * The form that a backend allows. A backend that works on its pages but shows none of them would have to give the shares out
 * as copies for each call; there one closed page is the smaller risk. Where node:crypto works it is given a copy anyway.
 */
export function sealingKeyFormOf(
  { views, cipher }: BackendCapabilities,
  closed: boolean,
): SealingKeyForm {
  if (views === 'none' && cipher === 'in-place') return 'one-page';
  return closed ? 'two-closed-shares' : 'two-shares';
}
