import type { Readable } from 'node:stream';
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify';
import { addr } from 'micro-eth-signer';
import type { AccessListItem, TransactionType } from '../signing/transaction.js';
import { describe } from './api-description.js';
import { callerOf } from './caller.js';
import { Problem } from './problem.js';
import { ADDRESS_PARAMS, ANSWERS, LIST_QUERY, MESSAGE_BODY, TRANSACTION_BODY } from './schemas.js';
import type { SigningService } from './signing-service.js';
import { transactionFor } from './transaction-request.js';

const LIST_LIMIT_DEFAULT = 100;

interface TransactionBody {
  readonly type?: TransactionType;
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

type MessageBody = { readonly text: string } | { readonly hex: string };

export interface KeyRoutesParts {
  readonly service: SigningService;
  readonly authorise: onRequestAsyncHookHandler;
  /** The only chain that is signed for, where there is only one. */
  readonly chainId: bigint | undefined;
}

/** Keys and signatures. */
export function keyRoutes(app: FastifyInstance, parts: KeyRoutesParts): void {
  const { service, authorise, chainId } = parts;
  storedKeyRoutes(app, parts);
  app.post<{ Params: { address: string }; Body: TransactionBody }>(
    '/v1/keys/:address/transactions',
    {
      onRequest: authorise,
      schema: describe('Sign a transaction', {
        description: 'Legacy (EIP-155), EIP-2930 or EIP-1559; without `to` it creates a contract.',
        token: true,
        params: ADDRESS_PARAMS,
        body: TRANSACTION_BODY,
        answer: ANSWERS.transaction,
        problems: [400, 401, 404, 422, 429, 503],
      }),
    },
    async (request, reply) => {
      const transaction = transactionFor({ type: 'eip1559', ...request.body }, chainId);
      const address = checksummed(request.params.address);
      const caller = callerOf(request, reply);
      const signed = await service.signTransaction(address, transaction, caller);
      return { from: address, hash: signed.hash, raw: signed.toHex() };
    },
  );
  app.post<{ Params: { address: string }; Body: MessageBody }>(
    '/v1/keys/:address/messages',
    {
      onRequest: authorise,
      schema: describe('Sign a message', {
        description: 'EIP-191, version 0x45 (`personal_sign`): text, or bytes in hexadecimal.',
        token: true,
        params: ADDRESS_PARAMS,
        body: MESSAGE_BODY,
        answer: ANSWERS.message,
        problems: [400, 401, 404, 429, 503],
      }),
    },
    async (request, reply) => {
      const address = checksummed(request.params.address);
      const bytes = messageBytes(request.body);
      const signature = await service.signMessage(address, bytes, callerOf(request, reply));
      return { from: address, signature };
    },
  );
}

function storedKeyRoutes(app: FastifyInstance, { service, authorise }: KeyRoutesParts): void {
  app.get<{ Querystring: { after?: string; limit?: string } }>(
    '/v1/keys',
    {
      schema: describe('List keys', {
        description: 'Addresses after `after`, at most `limit` (100; up to 999). Never keys.',
        querystring: LIST_QUERY,
        answer: ANSWERS.keys,
        problems: [400],
      }),
    },
    async ({ query }) => {
      const limit = Number(query.limit ?? LIST_LIMIT_DEFAULT);
      return { keys: await service.list(query.after ?? '', limit) };
    },
  );
  app.post(
    '/v1/keys',
    {
      onRequest: authorise,
      schema: describe('Make a key', {
        description: 'A random one. Answered when it is on the disk.',
        token: true,
        status: 201,
        answer: ANSWERS.key,
        problems: [401, 429, 503, 507],
      }),
    },
    (request, reply) => {
      reply.code(201);
      return service.create(callerOf(request, reply));
    },
  );
  app.post(
    '/v1/keys/import',
    {
      onRequest: authorise,
      // The body is a stream: whoever validated it would have read a key into ordinary memory.
      validatorCompiler: () => () => true,
      schema: describe('Import a key', {
        description: 'The body is the 32 bytes of a private key.',
        token: true,
        consumes: ['application/octet-stream'],
        body: { type: 'string', format: 'binary' },
        status: 201,
        answer: ANSWERS.key,
        problems: [401, 409, 415, 422, 429, 503, 507],
      }),
    },
    async (request, reply) => {
      if (request.headers['content-type'] !== 'application/octet-stream') {
        const detail = 'a key is imported as application/octet-stream';
        throw new Problem(415, 'unsupported-media-type', detail);
      }
      reply.code(201);
      return service.import(request.body as Readable, callerOf(request, reply));
    },
  );
}

/** In the spelling of EIP-55, however it was written. */
export function checksummed(address: string): string {
  return addr.addChecksum(address.toLowerCase());
}

function messageBytes(body: MessageBody): Uint8Array {
  return 'text' in body ? Buffer.from(body.text, 'utf8') : Buffer.from(body.hex.slice(2), 'hex');
}
