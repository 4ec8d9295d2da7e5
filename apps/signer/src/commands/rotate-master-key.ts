import { ConfigError, parseOptions, required } from '../service/option-values.js';
import { KeyRing } from '../signing/key-ring.js';
import { loadMasterKey } from '../signing/master-key.js';
import { secp256k1For } from '../signing/secp256k1.js';
import { unsealKeyRing } from '../signing/unsealing.js';
import type { MasterKeyRow, Rewrapped, Store } from '../storage/store.js';
import { DATABASE_OPTIONS } from './database-options.js';
import { withKeySession } from './key-session.js';

/** Keys of one transaction: what a death in the middle repeats. */
const BATCH = 100;

/**
 * Puts every key under another master key, also while services run: each key is under one master key or the other at every
 * moment, and the row says which. The same command after a death goes on where it was. A service that has the old master
 * key refuses what is under the new one, until it is sealed, given the new file, and unsealed.
 */
export async function rotateMasterKey(args: readonly string[]): Promise<string> {
  const values = parseOptions(args, {
    ...DATABASE_OPTIONS,
    'master-key-file': { type: 'string' },
    'new-master-key-file': { type: 'string' },
  });
  const oldPath = required('master-key-file', values['master-key-file']);
  const newPath = required('new-master-key-file', values['new-master-key-file']);
  return withKeySession(values, async ({ store, backend, memory, known }) => {
    const checks = known.map(({ check }) => check);
    if (checks.length === 0) throw new ConfigError('there is no master key to rotate yet');
    const newKey = await loadMasterKey(memory, { kind: 'file', path: newPath });
    const to = new KeyRing(memory, newKey, secp256k1For(backend));
    if (known.length === 1 && proven(known[0] as MasterKeyRow, to)) {
      return 'every key is under the new master key already';
    }
    const from = await unsealKeyRing(memory, backend, { kind: 'file', path: oldPath }, checks);
    if (to.proves(from.check)) throw new ConfigError('both files hold the same master key');
    const generation = await begun(store, known, to);
    const moved = await moveKeys(store, from.keys, to, generation);
    await store.retireMasterKeysBefore(generation);
    await store.appendAudit([rotationEntry()]);
    return `${moved} keys were put under the new master key, number ${generation}; the old one opens nothing any more`;
  });
}

/** The number of the new master key: of a rotation that was interrupted, or of one that begins here. */
async function begun(store: Store, known: readonly MasterKeyRow[], to: KeyRing): Promise<number> {
  const newest = known[0] as MasterKeyRow;
  if (proven(newest, to)) return newest.generation;
  if (known.length > 1) {
    throw new ConfigError(
      'a rotation to another master key was interrupted: finish that one first',
    );
  }
  const generation = newest.generation + 1;
  const createdAt = new Date().toISOString();
  await store.addMasterKey({ generation, check: to.makeCheck(), createdAt });
  return generation;
}

async function moveKeys(
  store: Store,
  from: KeyRing,
  to: KeyRing,
  generation: number,
): Promise<number> {
  let moved = 0;
  for (let after = ''; ; ) {
    const page = await store.keysAfter(after, BATCH);
    const rewrapped: Rewrapped[] = [];
    for (const row of page.filter((candidate) => candidate.generation !== generation)) {
      rewrapped.push({ address: row.address, wrappedKey: await from.rewrap(row, to) });
    }
    if (rewrapped.length > 0) await store.rewrap(rewrapped, generation);
    moved += rewrapped.length;
    if (page.length < BATCH) return moved;
    after = page.at(-1)?.address ?? '';
  }
}

function proven({ check }: MasterKeyRow, keys: KeyRing): boolean {
  return keys.proves(check);
}

function rotationEntry() {
  const at = new Date().toISOString();
  return { requestId: '', at, action: 'rotate', address: '', digest: '', who: 'command' } as const;
}
