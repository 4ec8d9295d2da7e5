import { ownOptions } from '../contract/own-properties.js';
import type { Ownership } from '../lifetime/ownership.js';
import {
  type ImportedKey,
  importKey,
  KEY_FILE_NAMES,
  type KeyFileOptions,
} from './keys/import-key.js';
import { readOpenSsh } from './keys/openssh-key.js';
import { assertBlank, decodePem } from './keys/pem-armor.js';
import type { KeySource } from './keys/workbench.js';

/** See `Allocations.fromOpenSsh`. */
export async function fromOpenSsh(
  owner: Ownership,
  source: KeySource,
  options?: KeyFileOptions,
): Promise<ImportedKey> {
  const own = ownOptions(options, KEY_FILE_NAMES, 'options');
  return importKey(owner, 'fromOpenSsh', source, own, (bytes, file) => {
    const { content, rest } = decodePem(bytes, file, ['OPENSSH PRIVATE KEY']);
    assertBlank(bytes, rest);
    return readOpenSsh(bytes, content);
  });
}
