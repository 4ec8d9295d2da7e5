import { createSecretKey, type KeyObject } from 'node:crypto';
import { requireSecret, type Secret, withBytes } from '../secret/secret.js';

/**
 * An unprotected copy, for interfaces that take nothing but a `KeyObject`. OpenSSL keeps it in the heap of the process, where
 * it may be swapped and dumped, until the collector takes the object; there is no way to wipe it before that. Prefer
 * `hmac`, `encrypt` and `decrypt`, or a native consumer that is given a view.
 *
 * Throws `ERR_SECMEM_DISPOSED`.
 */
export function toKeyObject(secret: Secret): KeyObject {
  requireSecret(secret, 'secret');
  return withBytes(secret, 'read', (bytes) => createSecretKey(bytes));
}
