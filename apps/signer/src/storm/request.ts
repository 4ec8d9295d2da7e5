import { setTimeout as delay } from 'node:timers/promises';
import type { Allocator, Secret } from '@securemem/core';
import { decryptKey, ENVELOPE_BYTE_LENGTH } from '../signing/envelope.js';
import { KEY_BYTE_LENGTH, SIGNATURE_BYTE_LENGTH, sign } from '../signing/libsecp256k1.js';
import { attachSignature, digestOf, type Eip1559Transaction } from '../signing/transaction.js';
import type { StormAccount } from './accounts.js';

/** Ciphertext, wrapping key, plaintext key, signer scratch: in bytes, in the order of admission. */
export const REQUEST_BYTE_LENGTHS = [
  ENVELOPE_BYTE_LENGTH,
  KEY_BYTE_LENGTH,
  KEY_BYTE_LENGTH,
  SIGNATURE_BYTE_LENGTH,
] as const;

/** How long a request waits for its approval: the round trip to a policy service in the same data centre. */
const APPROVAL_MS = 5;

/**
 * One signing request. It takes its four secrets in one admission, so that it never waits for a second while it holds a
 * first, and holds them for its whole life, across the wait for an approval. Whatever happens, they are wiped at its end.
 *
 * Rejects with the capacity error of the admission when there is no place.
 */
export async function signRequest(
  memory: Allocator,
  masterKey: Secret,
  account: StormAccount,
  transaction: Eip1559Transaction,
  onAdmitted: () => void,
): Promise<Eip1559Transaction> {
  const secrets = await memory.allocateAll(REQUEST_BYTE_LENGTHS);
  try {
    onAdmitted();
    const [envelope, wrappingKey, key, scratch] = secrets as [Secret, Secret, Secret, Secret];
    envelope.copyFrom(account.envelope);
    wrappingKey.copyFrom(masterKey);
    decryptKey(wrappingKey, envelope, account.context, key);
    await delay(APPROVAL_MS);
    return attachSignature(transaction, sign(key, scratch, digestOf(transaction)));
  } finally {
    for (const secret of secrets) secret.dispose();
  }
}
