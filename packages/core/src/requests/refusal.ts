import type { SecureMemoryError } from '../contract/errors.js';
import type { Shortage } from '../limits/shortage.js';
import { errorOf, queueRefusal, shortageRefusal } from '../limits/shortage-error.js';
import { couldHold } from '../placement/could-hold.js';
import type { Placement } from '../placement/placement.js';
import type { Places } from '../places/places.js';

/**
 * The error for a request that got no place. `found` is undefined when nothing was tried, because no waiter may be overtaken
 * any further.
 */
export function refusal(
  places: Places,
  placement: Placement,
  found: Shortage | undefined,
  byteLengths: readonly number[],
  operation: string,
): SecureMemoryError {
  const { waiting } = places.admission;
  const { backend, budget } = placement;
  const least = placement.leastByteLength(byteLengths);
  const inQueue = () => errorOf(queueRefusal(waiting, least, backend.name, operation));
  if (found === undefined) return inQueue();
  const inTurn = waiting > 0 && found.by === 'budget' && placement === places.primary;
  const limit = budget.limit();
  const zero = limit.byteLength === 0 && (inTurn || found.error !== undefined);
  const overLimit = found.by !== 'secrets' && least > limit.byteLength;
  const never = overLimit && !zero && !couldHold(placement, byteLengths);
  if (inTurn && !never) return inQueue();
  const shortage: Shortage = never
    ? { ...found, by: 'never', requestedByteLength: least, limit }
    : found;
  const fragmentation = placement.fragmentation(shortage.requestedByteLength);
  return errorOf(shortageRefusal(shortage, backend.name, operation, fragmentation));
}
