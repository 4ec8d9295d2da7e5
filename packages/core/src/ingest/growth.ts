import { SecureMemoryError } from '../contract/errors.js';
import type { Ownership } from '../lifetime/ownership.js';
import type { RequestOptions } from '../requests/granter.js';
import type { Secret } from '../secret/secret.js';

/**
 * Moves input that outgrew its place to a larger one, which is waited for like any other; the old one is wiped. Throws
 * `ERR_SECMEM_TOO_LARGE` at once where the two could never be there together, since waiting for the larger while holding
 * the smaller would be waiting for ourselves.
 */
export async function grow(
  owner: Ownership,
  secret: Secret,
  byteLength: number,
  request: RequestOptions,
  operation: string,
): Promise<Secret> {
  if ((request.onCapacity ?? owner.places.options.onCapacity) === 'wait') {
    assertRoomForBoth(owner, secret.byteLength, byteLength, operation);
  }
  const larger = await owner.allocate(byteLength, request);
  try {
    larger.copyFrom(secret);
    secret.dispose();
  } catch (error) {
    larger.dispose();
    throw error;
  }
  return larger;
}

function assertRoomForBoth(
  owner: Ownership,
  heldByteLength: number,
  byteLength: number,
  operation: string,
): void {
  const { primary, options } = owner.places;
  const requestedByteLength = primary.leastByteLength([heldByteLength, byteLength]);
  const limit = primary.budget.limit();
  const { secretsMax } = options;
  const tooMany = secretsMax < 2;
  if (requestedByteLength <= limit.byteLength && !tooMany) return;
  const remedy = 'say how long the input is (byteLength), or raise the limit';
  const lacks = tooMany
    ? `a second secret, and budget.secretsMax is ${secretsMax}`
    : `${requestedByteLength} bytes of pages, and ${limit.byteLength} is all there can be`;
  const held = `the input is longer than ${heldByteLength} bytes`;
  throw new SecureMemoryError(
    'ERR_SECMEM_TOO_LARGE',
    `${operation}: ${held}; to grow, its place needs another beside it: ${lacks}; ${remedy}`,
    {
      operation,
      backend: primary.backend.name,
      details: {
        limit: tooMany ? 'secrets' : limit.source === 'kernel' ? 'lock' : 'budget',
        requestedByteLength,
        inUseByteLength: primary.regions.mappedByteLength,
        limitByteLength: limit.byteLength,
        limitSource: limit.source,
        remedy,
      },
    },
  );
}
