import { SecureMemoryError } from '../contract/errors.js';
import { requireKeyLength } from '../contract/key-arguments.js';
import type { KeyReference, KeyType } from '../contract/keys.js';
import { isolate, placeFor, type Secret } from '../secret/secret.js';
import { ed25519Range, rangeOf } from './private-key.js';

/**
 * The reference of a private key: the open one, or a new one. The key lies in a region of its own from then on, which other threads
 * open and close without core. The region ends it before anything in it changes.
 */
export function keyReferenceOf(type: KeyType, key: Secret, operation: string): KeyReference {
  requireKeyLength(type, key.byteLength);
  const { backend } = placeFor(key, 'read').host.region;
  const open = placeFor(key, 'read').host.region.keyReferenceOf(type);
  if (open !== undefined) return open;
  if ((backend.capabilities.keyReferences ?? 'none') === 'none') {
    throw notSupported(
      operation,
      `the backend ${backend.name} has no references of keys here`,
      'install @securemem/openssl beside @securemem/napi, on Linux and Node with its own OpenSSL.',
    );
  }
  isolate(key);
  const range = type === 'Ed25519' ? ed25519Range(key) : rangeOf(key, 'read');
  const { region } = placeFor(key, 'read').host;
  const reference = region.backend.openKey(range, type);
  region.refer(type, reference);
  return reference;
}

/** The error for what does not work on this runtime or backend. */
export function notSupported(
  operation: string,
  message: string,
  remedy: string,
): SecureMemoryError {
  return new SecureMemoryError('ERR_SECMEM_NOT_SUPPORTED', message, {
    operation,
    details: { remedy },
  });
}
