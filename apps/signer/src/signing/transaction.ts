import { keccak_256 } from '@noble/hashes/sha3.js';
import { Transaction } from 'micro-eth-signer';
import type { Signature } from './libsecp256k1.js';

/** An EIP-1559 transaction to sign. Amounts are wei. */
export interface TransactionFields {
  readonly chainId: bigint;
  readonly nonce: bigint;
  readonly maxPriorityFeePerGas: bigint;
  readonly maxFeePerGas: bigint;
  readonly gasLimit: bigint;
  /** 20 bytes in hexadecimal with `0x`; mixed case must be the checksum of EIP-55. */
  readonly to: string;
  readonly value: bigint;
  /** Hexadecimal with `0x`. */
  readonly data: string;
}

/** The library's object, with its signature or still without. */
export type Eip1559Transaction = ReturnType<typeof prepareTransaction>;

/** Checks the fields and makes the transaction. Throws an Error that names the field at fault. */
export function prepareTransaction(fields: TransactionFields) {
  return Transaction.prepare({ type: 'eip1559', ...fields });
}

/** What is signed: the Keccak-256 of the type byte and the RLP of all fields but the signature (EIP-1559, EIP-2718). */
export function digestOf(transaction: Eip1559Transaction): Uint8Array {
  return keccak_256(transaction.toBytes({ includeSignature: false }));
}

/** The signed transaction, ready for the network. */
export function attachSignature(
  transaction: Eip1559Transaction,
  { r, s, yParity }: Signature,
): Eip1559Transaction {
  return new Transaction('eip1559', { ...transaction.raw, r, s, yParity }, { strict: false });
}
