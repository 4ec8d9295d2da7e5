import type { SecureMemoryError } from '../contract/errors.js';
import type { OnCapacity } from '../options.js';

/** Codes of capacity for which waiting is in vain: nothing that is released makes the request fit. */
const HOPELESS: ReadonlySet<string> = new Set([
  'ERR_SECMEM_TOO_LARGE',
  'ERR_SECMEM_QUEUE_FULL',
  'ERR_SECMEM_WAIT_TIMEOUT',
]);

/**
 * What to do about an error of placing, by policy. Pure.
 *
 * Waiting is for capacity alone, and only where it can help. Falling back covers what `map` says of capacity and of the
 * platform, a request too large for the first backend included. Misuse, missing support and corruption are always thrown.
 */
export function respondTo(error: SecureMemoryError, policy: OnCapacity, sync: boolean): OnCapacity {
  const { kind, code } = error;
  if (kind !== 'capacity' && kind !== 'platform') return 'throw';
  switch (policy) {
    case 'wait':
      return kind === 'capacity' && !HOPELESS.has(code) && !sync ? 'wait' : 'throw';
    case 'fallback':
      return error.details.limit === 'secrets' ? 'throw' : 'fallback';
    default:
      return policy;
  }
}
