import { closeSync, openSync, readSync } from 'node:fs';
import type { Allocator, Secret } from '@securemem/core';
import { KEY_BYTE_LENGTH } from './libsecp256k1.js';
import { type MasterKeySource, VaultError } from './vault.js';

/**
 * The 32 bytes of a master key, read by the system straight into their page. `VAULT_BAD_KEY` when the source has another
 * length or cannot be read. A descriptor is closed: it can be read once.
 */
export async function loadMasterKey(memory: Allocator, source: MasterKeySource): Promise<Secret> {
  const fd = source.kind === 'descriptor' ? source.fd : openKeyFile(source.path);
  try {
    const key = await memory.allocate(KEY_BYTE_LENGTH);
    try {
      const filled = key.write((bytes) => readFully(fd, bytes));
      if (filled !== KEY_BYTE_LENGTH || hasMore(fd)) {
        throw new VaultError('VAULT_BAD_KEY', `a master key is exactly ${KEY_BYTE_LENGTH} bytes`);
      }
      return key;
    } catch (error) {
      key.dispose();
      throw error instanceof VaultError ? error : unreadable(error);
    }
  } finally {
    closeSync(fd);
  }
}

function readFully(fd: number, bytes: Uint8Array): number {
  let filled = 0;
  while (filled < bytes.length) {
    const read = readSync(fd, bytes, filled, bytes.length - filled, null);
    if (read === 0) break;
    filled += read;
  }
  return filled;
}

function hasMore(fd: number): boolean {
  const probe = new Uint8Array(new ArrayBuffer(1));
  const more = readSync(fd, probe, 0, 1, null) > 0;
  probe[0] = 0;
  return more;
}

function openKeyFile(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw unreadable(error);
  }
}

function unreadable(error: unknown): VaultError {
  const code = (error as { code?: string }).code ?? 'unknown';
  return new VaultError('VAULT_BAD_KEY', `the master key cannot be read (${code})`);
}
