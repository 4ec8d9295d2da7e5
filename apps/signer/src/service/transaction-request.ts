import {
  type AccessListItem,
  type PreparedTransaction,
  prepareTransaction,
  TransactionError,
  type TransactionFields,
  type TransactionType,
} from '../signing/transaction.js';
import { type FieldError, Problem } from './problem.js';

/** A transaction as it arrives: numbers are text, decimal or hexadecimal with `0x`. */
export interface TransactionRequest {
  readonly type: TransactionType;
  readonly chainId: string;
  readonly nonce: string;
  readonly gasLimit: string;
  readonly gasPrice?: string;
  readonly maxPriorityFeePerGas?: string;
  readonly maxFeePerGas?: string;
  readonly to?: string;
  readonly value: string;
  readonly data?: string;
  readonly accessList?: readonly AccessListItem[];
}

const PRICED = { gasPrice: true } as const;
/** Of the fields that not every type has: which type has which. */
const OPTIONAL: Readonly<Record<TransactionType, Readonly<Record<string, true>>>> = {
  legacy: PRICED,
  eip2930: { ...PRICED, accessList: true },
  eip1559: { maxPriorityFeePerGas: true, maxFeePerGas: true, accessList: true },
};
const NEEDED = ['gasPrice', 'maxPriorityFeePerGas', 'maxFeePerGas'] as const;

/**
 * The transaction that was asked for, checked. Throws a Problem (422 `bad-transaction`) that names each field at fault and
 * its rule; `onlyChainId` is the one chain that is signed for, if there is only one.
 */
export function transactionFor(
  request: TransactionRequest,
  onlyChainId: bigint | undefined,
): PreparedTransaction {
  const errors = fieldErrors(request);
  if (onlyChainId !== undefined && BigInt(request.chainId) !== onlyChainId) {
    errors.push({
      field: 'chainId',
      rule: `must be ${onlyChainId}, the only chain of this service`,
    });
  }
  if (errors.length > 0) throw badTransaction(errors);
  try {
    return prepareTransaction(fieldsOf(request));
  } catch (error) {
    if (error instanceof TransactionError) throw badTransaction(error.errors);
    throw error;
  }
}

/** What belongs to another type, and what this one needs. The values are checked by whoever knows Ethereum. */
function fieldErrors(request: TransactionRequest): FieldError[] {
  const { type } = request;
  const has = OPTIONAL[type];
  const given = (field: string): boolean =>
    request[field as keyof TransactionRequest] !== undefined;
  const errors: FieldError[] = [];
  for (const field of [...NEEDED, 'accessList']) {
    if (given(field) && has[field] === undefined) {
      errors.push({ field, rule: `does not belong to a transaction of type ${type}` });
    }
  }
  for (const field of NEEDED) {
    if (has[field] && !given(field)) errors.push({ field, rule: `is missing for type ${type}` });
  }
  return errors;
}

function fieldsOf({
  type,
  to,
  data,
  accessList,
  ...quantities
}: TransactionRequest): TransactionFields {
  const numbers = Object.fromEntries(
    Object.entries(quantities)
      .filter(([, text]) => text !== undefined)
      .map(([name, text]) => [name, BigInt(text)]),
  );
  // The library takes an empty list for none, and only types that have one.
  const list = type === 'legacy' ? {} : { accessList: accessList ?? [] };
  return {
    ...(numbers as unknown as Omit<TransactionFields, 'type' | 'data'>),
    ...list,
    ...(to !== undefined && { to }),
    type,
    data: data ?? '0x',
  };
}

function badTransaction(errors: readonly FieldError[]): Problem {
  const [first] = errors;
  const detail = `${first?.field} ${first?.rule}`.trim();
  return new Problem(422, 'bad-transaction', detail, { errors });
}
