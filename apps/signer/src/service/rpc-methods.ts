import type { FastifyRequest } from 'fastify';
import type { AccessListItem, TransactionType } from '../signing/transaction.js';
import { schemaProblem } from './framework-problem.js';
import { checksummed } from './key-routes.js';
import { type FieldError, Problem } from './problem.js';
import { RpcFailure } from './rpc-error.js';
import { RPC_TRANSACTION } from './schemas.js';
import type { Caller, SigningService } from './signing-service.js';
import { transactionFor } from './transaction-request.js';

/** Accounts that one answer has; whoever has more asks `GET /v1/keys` page by page. */
const ACCOUNTS_MAX = 10_000;

const TYPES: Readonly<Record<string, TransactionType>> = {
  '0x0': 'legacy',
  '0x1': 'eip2930',
  '0x2': 'eip1559',
};

interface RpcTransaction {
  readonly type?: string;
  readonly from: string;
  readonly to?: string | null;
  readonly gas: string;
  readonly gasPrice?: string;
  readonly maxFeePerGas?: string;
  readonly maxPriorityFeePerGas?: string;
  readonly value?: string;
  readonly nonce: string;
  readonly chainId?: string;
  readonly data?: string;
  readonly input?: string;
  readonly accessList?: readonly AccessListItem[];
}

export class RpcMethods {
  readonly #service: SigningService;
  readonly #chainId: bigint | undefined;

  constructor(service: SigningService, chainId: bigint | undefined) {
    this.#service = service;
    this.#chainId = chainId;
  }

  /** Rejects with RpcFailure or Problem. */
  async call(
    method: string,
    params: unknown,
    request: FastifyRequest,
    caller: Caller,
  ): Promise<unknown> {
    if (!Array.isArray(params)) throw new RpcFailure(-32_602, 'params must be an array');
    if (method === 'eth_accounts') return this.#accounts();
    if (method === 'eth_signTransaction') {
      return this.#sign(checked(params[0], request), caller);
    }
    if (method === 'eth_chainId' && this.#chainId !== undefined) {
      return `0x${this.#chainId.toString(16)}`;
    }
    throw new RpcFailure(-32_601, 'this service has no such method');
  }

  async #accounts(): Promise<readonly string[]> {
    const keys = await this.#service.list('', ACCOUNTS_MAX);
    return keys.map(({ address }) => address);
  }

  /** The signed transaction alone, as web3signer and ethers have it. */
  async #sign(transaction: RpcTransaction, caller: Caller): Promise<string> {
    const { from, to, gas, nonce, value = '0x0', accessList } = transaction;
    const { gasPrice, maxFeePerGas, maxPriorityFeePerGas } = transaction;
    const prepared = transactionFor(
      {
        type: typeOf(transaction),
        chainId: transaction.chainId ?? this.#onlyChain(),
        ...{ nonce, gasLimit: gas, value },
        ...(gasPrice !== undefined && { gasPrice }),
        ...(maxFeePerGas !== undefined && { maxFeePerGas }),
        ...(maxPriorityFeePerGas !== undefined && { maxPriorityFeePerGas }),
        ...(accessList !== undefined && { accessList }),
        ...(typeof to === 'string' && { to }),
        data: dataOf(transaction),
      },
      this.#chainId,
    );
    const signed = await this.#service.signTransaction(checksummed(from), prepared, caller);
    return signed.toHex();
  }

  #onlyChain(): string {
    if (this.#chainId === undefined) throw invalid({ field: 'chainId', rule: 'is missing' });
    return `${this.#chainId}`;
  }
}

/** Fits the schema, or a Problem that names field and rule. */
function checked(transaction: unknown, request: FastifyRequest): RpcTransaction {
  const validate = request.compileValidationSchema(RPC_TRANSACTION);
  if (validate(transaction ?? null)) return transaction as RpcTransaction;
  throw schemaProblem(
    (validate.errors ?? []) as Parameters<typeof schemaProblem>[0],
    'transaction',
  );
}

/** What it says it is, or what its fields belong to. */
function typeOf({ type, gasPrice, accessList }: RpcTransaction): TransactionType {
  const told = TYPES[type ?? ''];
  if (told !== undefined) return told;
  if (gasPrice === undefined) return 'eip1559';
  return accessList === undefined ? 'legacy' : 'eip2930';
}

/** Two names for one thing: clients send either, and some both. */
function dataOf({ data, input }: RpcTransaction): string {
  if (data !== undefined && input !== undefined && data !== input) {
    throw invalid({ field: 'input', rule: 'must be the same as data' });
  }
  return input ?? data ?? '0x';
}

function invalid(error: FieldError): Problem {
  return new Problem(422, 'bad-transaction', `${error.field} ${error.rule}`, { errors: [error] });
}
