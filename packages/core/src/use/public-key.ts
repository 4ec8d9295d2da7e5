import { createPublicKey, type KeyObject } from 'node:crypto';
import { isKeyType, KEY_TYPES, type KeyType } from '../contract/keys.js';
import { ownProperties } from '../contract/own-properties.js';
import { derOfPublicKey } from '../keys/der.js';
import { publicKeyBytes } from '../keys/private-key.js';
import { requireSecret, type Secret } from '../secret/secret.js';

/**
 * The public key of a private key, calculated where the private key lies, as `node:crypto` takes it everywhere: for `verify`,
 * for peers, and to be exported as JWK, PEM or DER. The secret is as for `sign` and `diffieHellman`.
 *
 * Throws as `sign` does.
 */
export function publicKey(type: KeyType, key: Secret): KeyObject {
  if (!isKeyType(type)) {
    throw new TypeError(`type must be one of ${Object.keys(KEY_TYPES).join(', ')}`);
  }
  requireSecret(key, 'key');
  const bytes = publicKeyBytes(type, key);
  const [der, format] =
    type === 'RSA' ? [bytes, 'pkcs1' as const] : [derOfPublicKey(type, bytes), 'spki' as const];
  // Without a prototype, where node:crypto would look for more options.
  const given = { key: Buffer.from(der.buffer), format: 'der', type: format } as const;
  return createPublicKey(ownProperties(given, 'options'));
}
