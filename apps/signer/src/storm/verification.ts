import { Transaction } from 'micro-eth-signer';
import { transactionFor } from './input.js';
import type { Signed } from './messages.js';

/**
 * Whether a signed transaction is what was asked for, from the sender it should be from. The sender is recovered by
 * micro-eth-signer, whose curve is @noble/curves: another implementation than the one that signed, in another process.
 */
export function isGenuine({ index, account, raw }: Signed, senders: readonly string[]): boolean {
  try {
    const transaction = Transaction.fromHex(raw);
    const asked = transactionFor(index).toHex({ includeSignature: false });
    if (transaction.toHex({ includeSignature: false }) !== asked) return false;
    return transaction.recoverSender().address === senders[account];
  } catch {
    return false;
  }
}
