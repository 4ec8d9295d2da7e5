import { keccak_256 } from '@noble/hashes/sha3.js';
import { Transaction } from 'micro-eth-signer';
import type { Signature } from './secp256k1.js';

export const TRANSACTION_TYPES = ['legacy', 'eip2930', 'eip1559'] as const;
export type TransactionType = (typeof TRANSACTION_TYPES)[number];

export interface AccessListItem {
  /** 20 bytes in hexadecimal with `0x`. */
  readonly address: string;
  /** 32 bytes each, in hexadecimal with `0x`. */
  readonly storageKeys: readonly string[];
}

/** A transaction to sign. Amounts are wei. What a type does not have must be absent. */
export interface TransactionFields {
  readonly type: TransactionType;
  /** Always: a legacy transaction without it (before EIP-155) could be replayed on every other chain. */
  readonly chainId: bigint;
  readonly nonce: bigint;
  readonly gasLimit: bigint;
  /** `legacy` and `eip2930`. */
  readonly gasPrice?: bigint;
  /** `eip1559`. */
  readonly maxPriorityFeePerGas?: bigint;
  /** `eip1559`. */
  readonly maxFeePerGas?: bigint;
  /** 20 bytes in hexadecimal with `0x`; mixed case must be the checksum of EIP-55. Absent to create a contract. */
  readonly to?: string;
  readonly value: bigint;
  /** Hexadecimal with `0x`. */
  readonly data: string;
  /** `eip2930` and `eip1559`. */
  readonly accessList?: readonly AccessListItem[];
}

/** The library's object, with its signature or still without, as far as it is the same for every type. */
export interface PreparedTransaction {
  readonly type: TransactionType;
  readonly raw: object;
  /** Of a signed one. */
  readonly hash: string;
  toHex(options?: { readonly includeSignature: boolean }): string;
  toBytes(options?: { readonly includeSignature: boolean }): Uint8Array;
}

/** What the library takes for any type; it checks what belongs to which. */
type LibraryFields = ConstructorParameters<typeof Transaction<TransactionType>>[1];

/** What is wrong with which field. */
export class TransactionError extends Error {
  readonly errors: readonly { readonly field: string; readonly rule: string }[];

  constructor(errors: TransactionError['errors']) {
    super(errors.map(({ field, rule }) => `${field}: ${rule}`).join('; '));
    this.errors = errors;
  }
}

/** Checks the fields and makes the transaction. Throws TransactionError, and nothing else. */
export function prepareTransaction({ to, ...fields }: TransactionFields): PreparedTransaction {
  try {
    // The library has its own defaults; here nothing is signed that the caller did not say.
    const raw = { ...defined(fields), to: to ?? '0x' } as LibraryFields & { type: TransactionType };
    return Transaction.prepare(raw) as unknown as PreparedTransaction;
  } catch (error) {
    throw new TransactionError(errorsOf(error));
  }
}

/** What is signed: the Keccak-256 of the unsigned transaction, as its type has it (EIP-155, EIP-2718). */
export function digestOf(transaction: PreparedTransaction): Uint8Array {
  return keccak_256(transaction.toBytes({ includeSignature: false }));
}

/** The signed transaction, ready for the network. */
export function attachSignature(
  transaction: PreparedTransaction,
  { r, s, yParity }: Signature,
): PreparedTransaction {
  const raw = { ...transaction.raw, r, s, yParity } as LibraryFields;
  return new Transaction(transaction.type, raw, { strict: false });
}

function defined(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** The library tells which fields; what else it throws is about the whole. */
function errorsOf(error: unknown): TransactionError['errors'] {
  const { errors } = error as { errors?: readonly { field: string; error: string }[] };
  if (errors === undefined) return [{ field: '', rule: (error as Error).message.slice(0, 200) }];
  return errors.map(({ field, error: rule }) => ({ field, rule: rule.slice(0, 200) }));
}
