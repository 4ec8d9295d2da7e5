import { isBytes } from '../common/bytes.js';
import { notA } from '../common/handle-kind.js';
import { zero } from '../contract/zero.js';
import { checkByteLength } from '../lifetime/request.js';
import { placeOf, type Secret } from '../secret/secret.js';

/** How long the secret must be that takes these bytes. */
export function checkSource(source: Uint8Array): number {
  if (!isBytes(source)) throw notA('a Uint8Array', 'source', source);
  return checkByteLength(source.length);
}

/** Copies bytes into a secret that was made for them, and zeroes them. See `Allocations.adopt`. */
export function moveIn(secret: Secret, source: Uint8Array): Secret {
  try {
    // Gone where a purge came between the grant and this step; its length is 0 then, and says nothing of the source.
    placeOf(secret);
    if (source.length !== secret.byteLength) {
      throw new TypeError('the source changed its length while the call waited');
    }
    secret.copyFrom(source);
  } catch (error) {
    secret.dispose();
    throw error;
  }
  zero(source);
  return secret;
}
