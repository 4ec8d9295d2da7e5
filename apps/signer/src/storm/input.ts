import { type PreparedTransaction, prepareTransaction } from '../signing/transaction.js';

/** The transaction of request `index`: each one differs. The process that verifies makes it anew, and compares. */
export function transactionFor(index: number): PreparedTransaction {
  const recipient = (0xc0ffee_0000_0000n + BigInt(index)).toString(16).padStart(40, '0');
  return prepareTransaction({
    type: 'eip1559',
    chainId: 1n,
    nonce: BigInt(index),
    maxPriorityFeePerGas: 1_500_000_000n,
    maxFeePerGas: 40_000_000_000n + BigInt(index),
    gasLimit: 21_000n,
    to: `0x${recipient}`,
    value: 1_000_000_000_000_000n + BigInt(index),
    data: '0x',
  });
}
