import { setTimeout as delay } from 'node:timers/promises';
import type { MemoryBackend } from '@securemem/core';
import { defineKeeper, type KeeperDefinition } from '@securemem/keeper';
import { hardenerOf, openBackend } from './backend.js';
import { settingsFrom } from './keeper-settings.js';
import { KeyRing } from './key-ring.js';
import { decodeSignRequest, encodeSignature, encodeWrappedKey } from './key-wire.js';
import { LockedBytes } from './locked-bytes.js';
import { loadMasterKey } from './master-key.js';
import { VaultError } from './vault.js';
import { figuresOf } from './vault-figures.js';

/** Runs in the keeper: the master key and every private key are in this process, and nothing but results leaves it. */
const settings = settingsFrom(process.env);
const locked = new LockedBytes();
let backend: MemoryBackend;
const harden = hardenerOf(settings);

const definition: KeeperDefinition<KeyRing> = defineKeeper<KeyRing>({
  backend: () => {
    backend = openBackend(settings);
    return backend;
  },
  ...(harden === undefined ? {} : { harden }),
  allocator: settings.allocator ?? {},
  provision: async ({ memory }) =>
    new KeyRing(memory, await loadMasterKey(memory, settings.masterKeySource)),
  operations: {
    /** One byte: 1 when the check was made under this master key. */
    proves: (check, { state }) => Uint8Array.of(state.proves(check) ? 1 : 0),
    makeCheck: (_, { state }) => state.makeCheck(),
    create: async (_, { state, signal }) => encodeWrappedKey(await state.create(signal)),
    import: async (_, { state, secret, signal }) => {
      if (secret === undefined) throw new VaultError('VAULT_BAD_KEY', 'there is no key');
      try {
        return encodeWrappedKey(await state.wrap(async (key) => key.copyFrom(secret), signal));
      } finally {
        secret.dispose();
      }
    },
    sign: async (payload, { state, signal }) => {
      const { key, digest } = decodeSignRequest(payload);
      return encodeSignature(await state.sign(key, digest, approval, signal));
    },
    figures: (_, { memory }) => {
      locked.sample();
      const figures = { ...figuresOf(memory, backend), peakLockedByteLength: locked.peak };
      return new TextEncoder().encode(JSON.stringify(figures));
    },
  },
});

/** With all keys of a request held, which is when most is locked. */
async function approval(): Promise<void> {
  locked.sample();
  if (settings.approvalMs > 0) await delay(settings.approvalMs);
}

export default definition;
