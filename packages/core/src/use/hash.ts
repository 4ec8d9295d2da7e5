import { createHash } from 'node:crypto';
import { requireSecret, type Secret, withBytes } from '../secret/secret.js';

/**
 * The digest of a secret, which goes from its page to OpenSSL. A digest of a short or guessable secret gives it away to
 * whoever tries them all: the result is as secret as that.
 *
 * Throws what `node:crypto` throws for an unknown algorithm, and `ERR_SECMEM_DISPOSED`.
 */
export function hash(algorithm: string, secret: Secret): Buffer {
  requireSecret(secret, 'secret');
  return withBytes(secret, 'read', (bytes) => createHash(algorithm).update(bytes).digest());
}
