import { type Allocations, ownershipOf, requireAllocations } from '../allocations.js';
import { zero } from '../contract/zero.js';
import {
  ALLOCATE_NAMES,
  type AllocateOptions,
  checkByteLength,
  requestOf,
} from '../lifetime/request.js';
import { ownerOf, placeOf, requireSecret, type Secret } from '../secret/secret.js';

/** Where the result of a consumer goes, when it is a secret itself. */
export interface DerivedOptions extends AllocateOptions {
  /** The allocator or phase that the result belongs to. Default: whatever the key belongs to. */
  readonly into?: Allocations;
}

/** The names in `DerivedOptions`. */
export const DERIVED_NAMES = [...ALLOCATE_NAMES, 'into'] as const;

/** Waits for a place, lets `make` fill it, and gives it back to the allocator when that throws. `own` has no prototype. */
export async function derive(
  key: Secret,
  byteLength: number,
  own: DerivedOptions,
  make: (target: Secret) => void,
): Promise<Secret> {
  requireSecret(key, 'key');
  placeOf(key);
  if (own.into !== undefined) requireAllocations(own.into, 'into');
  const owner = own.into === undefined ? ownerOf(key) : ownershipOf(own.into);
  const target = await owner.allocate(checkByteLength(byteLength), requestOf(own));
  try {
    make(target);
  } catch (error) {
    target.dispose();
    throw error;
  }
  return target;
}

/** Zeroes what a library handed back in memory of its own. */
export function wipe(bytes: Uint8Array | undefined): void {
  if (bytes !== undefined) zero(bytes);
}
