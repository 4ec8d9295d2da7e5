import { createRequire } from 'node:module';
import type { KeyAlgorithm, KeyReference, KeyType } from '@securemem/core/contract';
import { errors } from './failure.js';

/** What is used of `@securemem/openssl`. */
interface Provider {
  /** Undefined where it works. */
  whyUnsupported(): string | undefined;
  openReference(type: KeyType, window: object, publicKey: Uint8Array): KeyReference;
}

/** It, or why it is not there. */
type Found = Provider | string;

let found: Found | undefined;

/** Looked for when the first backend opens. Whoever wants references installs the package; nothing else turns it on. */
function provider(): Found {
  found ??= find();
  return found;
}

function find(): Found {
  try {
    const openssl = createRequire(import.meta.url)('@securemem/openssl') as Provider;
    return openssl.whyUnsupported() ?? openssl;
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException)?.code === 'MODULE_NOT_FOUND';
    if (missing) return 'a key has no reference here: install @securemem/openssl';
    return `@securemem/openssl cannot be loaded: ${String((cause as Error)?.message ?? cause)}`;
  }
}

/** Why there are no references; undefined where there are. */
export function whyNoReferences(): string | undefined {
  const openssl = provider();
  return typeof openssl === 'string' ? openssl : undefined;
}

/** The public keys come from the same OpenSSL. */
export function referencesHere(keys: readonly KeyAlgorithm[]): 'provider' | 'none' {
  return keys.includes('ES256') && whyNoReferences() === undefined ? 'provider' : 'none';
}

/** A reference of a key that the addon shows in a window. */
export function referenceOf(type: KeyType, window: object, publicKey: Uint8Array): KeyReference {
  const openssl = provider();
  try {
    if (typeof openssl !== 'string') return openssl.openReference(type, window, publicKey);
  } catch (cause) {
    throw errors.own('ERR_SECMEM_NOT_SUPPORTED', 'openKey', (cause as Error).message);
  }
  throw errors.own('ERR_SECMEM_NOT_SUPPORTED', 'openKey', openssl);
}
