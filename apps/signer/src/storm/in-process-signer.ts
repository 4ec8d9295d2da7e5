import { setTimeout as delay } from 'node:timers/promises';
import { createAllocator } from '@securemem/core';
import { openBackend } from '../signing/backend.js';
import { KeyRing } from '../signing/key-ring.js';
import { LockedBytes } from '../signing/locked-bytes.js';
import { KEY_BYTE_LENGTH, secp256k1For } from '../signing/secp256k1.js';
import type { StormOptions } from './options.js';
import { APPROVAL_MS, allocatorOptions, SAMPLE_MS, type StormSigner } from './storm-signer.js';

/** Keys in the process under load. Throws what opening the backend and the first allocation throw. */
export function openInProcessSigner(options: StormOptions): StormSigner {
  const locked = new LockedBytes();
  const lockedByteLengthBefore = locked.sample();
  const backend = openBackend(options);
  const memory = createAllocator({ backend, ...allocatorOptions(options) });
  const keys = new KeyRing(memory, memory.randomSync(KEY_BYTE_LENGTH), secp256k1For(backend));
  const sampler = setInterval(() => locked.sample(), SAMPLE_MS);
  const approval = async (): Promise<void> => {
    locked.sample();
    await delay(APPROVAL_MS);
  };
  return {
    budgetByteLength: options.budgetByteLength ?? memory.stats().primary.limitByteLength,
    create: () => keys.create(),
    sign: (key, digest) => keys.sign(key, digest, approval),
    settled: () => {},
    finish: async () => {
      clearInterval(sampler);
      const { waits, queueLengthPeak } = memory.stats().admission;
      keys.dispose();
      await memory.close();
      backend[Symbol.dispose]();
      const lockedByteLengthAfter = locked.sample();
      locked.close();
      return {
        admissionWaits: waits,
        queueLengthPeak,
        lockedByteLengthBefore,
        lockedByteLengthAfter,
        peakLockedByteLength: locked.peak,
      };
    },
  };
}
