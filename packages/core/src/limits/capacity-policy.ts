import type { SecureMemoryError } from '../contract/errors.js';
import type { OnCapacity } from '../options.js';

/** What becomes of a request that cannot be served at once and does not wait. */
export type CapacityResponse = 'throw' | 'fallback' | 'abort';

/**
 * What to do about an error of placing, by policy. Pure. `'wait'` acts as `'throw'`: whoever comes here does not wait, and
 * who may wait is for `admission.ts` to say.
 *
 * It covers what `map` says of capacity and of the platform; misuse, missing support and corruption are always thrown.
 * Falling back helps against every limit but `secretsMax`, which counts what is on the fallback too.
 */
export function respondTo(error: SecureMemoryError, policy: OnCapacity): CapacityResponse {
  const { kind, details } = error;
  if (policy === 'wait' || (kind !== 'capacity' && kind !== 'platform')) return 'throw';
  if (policy === 'fallback' && details.limit === 'secrets') return 'throw';
  return policy;
}
