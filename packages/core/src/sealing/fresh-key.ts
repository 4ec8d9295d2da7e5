import { randomFillSync } from 'node:crypto';
import { zero } from '../contract/zero.js';
import type { Region } from '../placement/region.js';
import { KEY_BYTE_LENGTH } from './cipher.js';

/**
 * Puts a random key into a region: from the generator into the page where the backend has views, by way of a copy that is
 * wiped where it has none. False when its view could not be revoked: the region is pinned then, and what is in this place,
 * now or later, may be seen through that view.
 */
export function putFreshKey(region: Region, byteOffset: number): boolean {
  region.enter('write');
  try {
    if (region.backend.capabilities.views === 'revocable') {
      return fillThroughView(region, byteOffset);
    }
    fillByCopy(region, byteOffset);
    return true;
  } finally {
    region.leave('write');
    region.close();
  }
}

/** The view is closed whatever happens: the page must not be given back under it. */
function fillThroughView(region: Region, byteOffset: number): boolean {
  const view = region.backend.openView(region.id, byteOffset, KEY_BYTE_LENGTH);
  let fault: { readonly error: unknown } | undefined;
  try {
    randomFillSync(view.bytes);
  } catch (error) {
    fault = { error };
  }
  if (view.close() !== 'revoked') {
    region.pin('a view over it could not be revoked');
    return false;
  }
  if (fault !== undefined) throw fault.error;
  return true;
}

function fillByCopy({ id, backend }: Region, byteOffset: number): void {
  const scratch = new Uint8Array(new ArrayBuffer(KEY_BYTE_LENGTH));
  try {
    backend.write(id, byteOffset, randomFillSync(scratch));
  } finally {
    zero(scratch);
  }
}
