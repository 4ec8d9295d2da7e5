import type { AllocatorOptions } from '@securemem/core';
import type { Signature } from '../signing/secp256k1.js';
import type { WrappedKey } from '../signing/vault.js';
import type { Figures } from './messages.js';
import type { StormOptions } from './options.js';

/** How long a request waits for its approval: the round trip to a policy service in the same data centre. */
export const APPROVAL_MS = 5;
export const SAMPLE_MS = 2;

/** What only the side that holds the keys can measure. */
export type SignerFigures = Omit<Figures, 'signMs' | 'unhandledRejections'>;

/** Where the keys of a storm are: in the process under load, or in a keeper beside it. */
export interface StormSigner {
  readonly budgetByteLength: number;
  /** A fresh wrapped key. */
  create(): Promise<WrappedKey>;
  /** Four secrets in one admission, held across the wait for an approval. */
  sign(key: WrappedKey, digest: Uint8Array): Promise<Signature>;
  /** Told after every answer, for whoever breaks things on the way. */
  settled(count: number): void;
  /** Wipes and closes everything. */
  finish(): Promise<SignerFigures>;
}

/** The allocator of a storm, without its backend. */
export function allocatorOptions(options: StormOptions): Omit<AllocatorOptions, 'backend'> {
  return {
    onCapacity: options.onCapacity,
    ...(options.placement === 'page' ? { routing: { pooledByteLengthMax: 0 } } : {}),
    ...(options.budgetByteLength === undefined
      ? {}
      : { budget: { lockedByteLengthMax: options.budgetByteLength } }),
    admission: { queueLengthMax: 1_000_000, waitMsMax: 600_000 },
  };
}
