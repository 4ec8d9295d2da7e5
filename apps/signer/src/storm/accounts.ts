import type { Allocator, Secret } from '@securemem/core';
import { addressOf } from '../signing/address.js';
import { encryptKey } from '../signing/envelope.js';
import { isPrivateKey, KEY_BYTE_LENGTH } from '../signing/libsecp256k1.js';

/** What a server keeps per account in ordinary memory: the address, and the key as ciphertext. */
export interface StormAccount {
  readonly address: string;
  readonly context: Uint8Array;
  readonly envelope: Uint8Array;
}

/** Makes accounts with fresh keys. One key is in memory at a time, and none when this returns. */
export function makeAccounts(memory: Allocator, masterKey: Secret, count: number): StormAccount[] {
  return Array.from({ length: count }, () => makeAccount(memory, masterKey));
}

function makeAccount(memory: Allocator, masterKey: Secret): StormAccount {
  const key = memory.randomSync(KEY_BYTE_LENGTH);
  try {
    // One in about 2^128 random values is not a private key; throwing is the honest answer to that.
    if (!isPrivateKey(key)) throw new Error('the random generator made an impossible key');
    const address = addressOf(key);
    const context = new TextEncoder().encode(address);
    return { address, context, envelope: encryptKey(masterKey, key, context) };
  } finally {
    key.dispose();
  }
}
