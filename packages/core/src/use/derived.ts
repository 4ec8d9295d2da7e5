import { type Allocations, ownershipOf } from '../allocations.js';
import { type AllocateOptions, checkByteLength, checkRequest } from '../lifetime/request.js';
import { internals, type Secret } from '../secret/secret.js';

/** Where the result of a consumer goes, when it is a secret itself. */
export interface DerivedOptions extends AllocateOptions {
  /** The allocator or phase that the result belongs to. Default: whatever the key belongs to. */
  readonly into?: Allocations;
}

const fill = Function.prototype.call.bind(Uint8Array.prototype.fill) as (
  bytes: Uint8Array,
  value: number,
) => void;

/** Waits for a place, lets `make` fill it, and gives it back to the allocator when that throws. */
export async function derive(
  key: Secret,
  byteLength: number,
  options: DerivedOptions,
  make: (target: Secret) => void,
): Promise<Secret> {
  internals.placeOf(key);
  const owner = options.into === undefined ? internals.ownerOf(key) : ownershipOf(options.into);
  const { granter } = owner.engine;
  const request = checkRequest(options);
  const [target] = await granter.allocateAll([checkByteLength(byteLength)], owner, request);
  try {
    make(target as Secret);
  } catch (error) {
    (target as Secret).dispose();
    throw error;
  }
  return target as Secret;
}

/** Zeroes what a library handed back in memory of its own. */
export function wipe(bytes: Uint8Array | undefined): void {
  if (bytes !== undefined) fill(bytes, 0);
}
