import type { Allocator, MemoryBackend } from '@securemem/core';
import { KeyRing } from './key-ring.js';
import { loadMasterKey } from './master-key.js';
import { secp256k1For } from './secp256k1.js';
import { type MasterKeySource, VaultError } from './vault.js';

/** A key ring, and the check that its master key opens. */
export interface Unsealed {
  readonly keys: KeyRing;
  readonly check: Uint8Array;
}

/**
 * Reads a master key and proves it: one of `checks` must open under it. Without any it is the first one ever, and a check
 * is made under it. `VAULT_WRONG_MASTER_KEY` when none opens; the key is wiped then.
 */
export async function unsealKeyRing(
  memory: Allocator,
  backend: MemoryBackend,
  source: MasterKeySource,
  checks: readonly Uint8Array[],
): Promise<Unsealed> {
  const keys = new KeyRing(memory, await loadMasterKey(memory, source), secp256k1For(backend));
  try {
    if (checks.length === 0) return { keys, check: keys.makeCheck() };
    const check = checks.find((candidate) => keys.proves(candidate));
    if (check !== undefined) return { keys, check };
    throw new VaultError('VAULT_WRONG_MASTER_KEY', 'the keys were stored under another master key');
  } catch (error) {
    keys.dispose();
    throw error;
  }
}
