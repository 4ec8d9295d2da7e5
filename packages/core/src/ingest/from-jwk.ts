import { ownOptions } from '../contract/own-properties.js';
import type { Ownership } from '../lifetime/ownership.js';
import { pointerSteps } from './json-pointer.js';
import {
  type ImportedKey,
  importKey,
  KEY_FILE_NAMES,
  type KeyFileOptions,
} from './keys/import-key.js';
import { readJwk } from './keys/jwk.js';
import type { KeySource } from './keys/workbench.js';

export interface JwkOptions extends KeyFileOptions {
  /** Which value of the document is the key (RFC 6901): `'/keys/0'` in a set of keys. Default `''`, the whole document. */
  readonly pointer?: string;
}

/** See `Allocations.fromJwk`. */
export async function fromJwk(
  owner: Ownership,
  source: KeySource,
  options?: JwkOptions,
): Promise<ImportedKey> {
  const own = ownOptions(options, [...KEY_FILE_NAMES, 'pointer'], 'options');
  const steps = pointerSteps(own.pointer ?? '');
  return importKey(owner, 'fromJwk', source, own, (bytes, file) =>
    readJwk(bytes.subarray(file.start, file.end), steps),
  );
}
