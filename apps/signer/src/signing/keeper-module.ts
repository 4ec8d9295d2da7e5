import { setTimeout as delay } from 'node:timers/promises';
import type { MemoryBackend, Secret } from '@securemem/core';
import { defineKeeper, type KeeperDefinition } from '@securemem/keeper';
import { hardenerOf, openBackend } from './backend.js';
import { settingsFrom } from './keeper-settings.js';
import { decodeSignRequest, encodeSignature, encodeWrappedKey } from './key-wire.js';
import { LockedBytes } from './locked-bytes.js';
import { type Unsealed, unsealKeyRing } from './unsealing.js';
import { VaultError } from './vault.js';
import { figuresOf } from './vault-figures.js';

/** Runs in the keeper: the master key and every private key are in this process, and nothing but results leaves it. */
const settings = settingsFrom(process.env);
const locked = new LockedBytes();
let backend: MemoryBackend;
const harden = hardenerOf(settings);

const definition: KeeperDefinition<Unsealed> = defineKeeper<Unsealed>({
  backend: () => {
    backend = openBackend(settings);
    return backend;
  },
  ...(harden === undefined ? {} : { harden }),
  allocator: settings.allocator ?? {},
  provision: ({ memory }) => {
    const checks = (settings.checks ?? []).map((text) => Buffer.from(text, 'base64'));
    return unsealKeyRing(memory, backend, settings.masterKeySource, checks);
  },
  operations: {
    /** The check that the master key has proved itself with. */
    check: (_, { state }) => state.check,
    create: async (_, { state, signal }) => encodeWrappedKey(await state.keys.create(signal)),
    import: async (_, { state, secret, signal }) => {
      if (secret === undefined) throw new VaultError('VAULT_BAD_KEY', 'there is no key');
      try {
        const fill = async (key: Secret): Promise<void> => key.copyFrom(secret);
        return encodeWrappedKey(await state.keys.wrap(fill, signal));
      } finally {
        secret.dispose();
      }
    },
    sign: async (payload, { state, signal }) => {
      const { key, digest } = decodeSignRequest(payload);
      return encodeSignature(await state.keys.sign(key, digest, approval, signal));
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
