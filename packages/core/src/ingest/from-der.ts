import type { Ownership } from '../lifetime/ownership.js';
import { type EncryptedKeyOptions, encryptedKeyOptions } from './from-pem.js';
import { type ImportedKey, importKey } from './keys/import-key.js';
import { derFormOf, readDer } from './keys/private-key-der.js';
import type { KeySource } from './keys/workbench.js';

/** See `Allocations.fromDer`. */
export async function fromDer(
  owner: Ownership,
  source: KeySource,
  options?: EncryptedKeyOptions,
): Promise<ImportedKey> {
  const own = encryptedKeyOptions(options);
  return importKey(owner, 'fromDer', source, own, (bytes, file) =>
    readDer(bytes, file, derFormOf(bytes, file)),
  );
}
