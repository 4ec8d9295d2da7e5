import { createHmac } from 'node:crypto';
import { isBytes } from '../common/bytes.js';
import { notA } from '../common/handle-kind.js';
import { requireSecret, type Secret, withBytes } from '../secret/secret.js';

/** What is authenticated, encrypted or hashed beside the secret: bytes, or text as UTF-8. Several parts are joined. */
export type Data = string | Uint8Array | readonly (string | Uint8Array)[];

export function partsOf(data: Data): readonly (string | Uint8Array)[] {
  const parts = typeof data === 'string' || isBytes(data) ? [data] : data;
  if (!Array.isArray(parts)) throw notData(data);
  for (const part of parts) {
    if (typeof part !== 'string' && !isBytes(part)) throw notData(part);
  }
  return parts;
}

const notData = (given: unknown) =>
  notA('a string or a Uint8Array, or an array of these', 'data', given);

/**
 * The HMAC (RFC 2104) of `data` under a secret key. The key goes from its page to OpenSSL; no view and no copy of ours is
 * made, and a disposed key is an error, never an empty key. OpenSSL keeps the padded key in its own heap until the
 * context is collected or finished; it is finished when this returns.
 *
 * Throws what `node:crypto` throws for an unknown algorithm, and `ERR_SECMEM_DISPOSED`.
 */
export function hmac(algorithm: string, key: Secret, data: Data): Buffer {
  requireSecret(key, 'key');
  const parts = partsOf(data);
  return withBytes(key, 'read', (bytes) => {
    const mac = createHmac(algorithm, bytes);
    for (const part of parts) mac.update(part);
    return mac.digest();
  });
}
