import { closeSync } from 'node:fs';
import { type Allocator, isSecureMemoryError, type Secret } from '@securemem/core';
import { KEY_BYTE_LENGTH } from './secp256k1.js';
import { openSecretFile } from './secret-file.js';
import { type MasterKeySource, VaultError } from './vault.js';

/**
 * The 32 bytes of a master key, from the system straight into their page; at a terminal they are typed as 64 hexadecimal
 * digits, unseen. `VAULT_BAD_KEY` when the source has another length or cannot be read, `VAULT_UNSAFE_FILE` when others can
 * read its file. A descriptor is closed: it can be read once.
 */
export async function loadMasterKey(memory: Allocator, source: MasterKeySource): Promise<Secret> {
  try {
    return await read(memory, source);
  } catch (error) {
    throw badKey(error) ?? error;
  } finally {
    if (source.kind === 'descriptor') closeSync(source.fd);
  }
}

async function read(memory: Allocator, source: MasterKeySource): Promise<Secret> {
  const byteLength = KEY_BYTE_LENGTH;
  if (source.kind === 'file') return fromPrivateFile(memory, source.path);
  if (source.kind === 'descriptor') return memory.fromFd(source.fd, { byteLength });
  const typed = await memory.fromTerminal({ prompt: 'Master key (64 hexadecimal digits): ' });
  try {
    if (typed.byteLength !== 2 * byteLength) throw new VaultError('VAULT_BAD_KEY', LENGTH);
    return await memory.fromHex(typed);
  } finally {
    typed.dispose();
  }
}

async function fromPrivateFile(memory: Allocator, path: string): Promise<Secret> {
  const descriptor = openSecretFile(path, 'the file of the master key');
  try {
    return await memory.fromFd(descriptor, { byteLength: KEY_BYTE_LENGTH });
  } finally {
    closeSync(descriptor);
  }
}

const LENGTH = `a master key is exactly ${KEY_BYTE_LENGTH} bytes`;

function badKey(error: unknown): VaultError | undefined {
  if (isSecureMemoryError(error, 'ERR_SECMEM_INPUT_INVALID')) {
    return new VaultError('VAULT_BAD_KEY', `${LENGTH}, and this source does not hold one`);
  }
  const { code } = error as { code?: unknown };
  // An error of the system names a file, no content: ENOENT, EACCES, EBADF and their like.
  if (typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) return undefined;
  return new VaultError('VAULT_BAD_KEY', `the master key cannot be read (${code})`);
}
