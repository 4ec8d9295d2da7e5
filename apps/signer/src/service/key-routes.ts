import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, onRequestAsyncHookHandler } from 'fastify';
import { addr } from 'micro-eth-signer';
import { prepareTransaction, type TransactionFields } from '../signing/transaction.js';
import { Problem } from './problem.js';
import { ADDRESS_PARAMS, LIST_QUERY, MESSAGE_BODY, TRANSACTION_BODY } from './schemas.js';
import type { SigningService } from './signing-service.js';

const LIST_LIMIT_DEFAULT = 100;

interface TransactionBody extends Record<Exclude<keyof TransactionFields, 'data'>, string> {
  readonly data?: string;
}

type MessageBody = { readonly text: string } | { readonly hex: string };

/** Keys and signatures. */
export function keyRoutes(
  app: FastifyInstance,
  service: SigningService,
  authorise: onRequestAsyncHookHandler,
): void {
  app.get<{ Querystring: { after?: string; limit?: string } }>(
    '/v1/keys',
    { schema: { querystring: LIST_QUERY } },
    async ({ query }) => {
      const limit = Number(query.limit ?? LIST_LIMIT_DEFAULT);
      return { keys: await service.list(query.after ?? '', limit) };
    },
  );
  app.post('/v1/keys', { onRequest: authorise }, async (_request, reply) => {
    reply.code(201);
    return service.create(abortedWith(reply));
  });
  app.post('/v1/keys/import', { onRequest: authorise }, async (request, reply) => {
    if (request.headers['content-type'] !== 'application/octet-stream') {
      throw new Problem(
        415,
        'unsupported-media-type',
        'a key is imported as application/octet-stream',
      );
    }
    reply.code(201);
    return service.import(request.body as Readable, abortedWith(reply));
  });
  app.post<{ Params: { address: string }; Body: TransactionBody }>(
    '/v1/keys/:address/transactions',
    { onRequest: authorise, schema: { params: ADDRESS_PARAMS, body: TRANSACTION_BODY } },
    async (request, reply) => {
      const transaction = prepared(request.body);
      const address = checksummed(request.params.address);
      const signed = await service.signTransaction(address, transaction, abortedWith(reply));
      return { from: address, hash: signed.hash, raw: signed.toHex() };
    },
  );
  app.post<{ Params: { address: string }; Body: MessageBody }>(
    '/v1/keys/:address/messages',
    { onRequest: authorise, schema: { params: ADDRESS_PARAMS, body: MESSAGE_BODY } },
    async (request, reply) => {
      const address = checksummed(request.params.address);
      const bytes = messageBytes(request.body);
      return {
        from: address,
        signature: await service.signMessage(address, bytes, abortedWith(reply)),
      };
    },
  );
}

/** A signal that fires when the client is gone before it has its answer: nobody waits for memory on its behalf then. */
export function abortedWith(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}

function prepared({ data = '0x', to, ...quantities }: TransactionBody) {
  const fields = Object.fromEntries(
    Object.entries(quantities).map(([name, text]) => [name, BigInt(text)]),
  );
  try {
    return prepareTransaction({ ...fields, to, data } as unknown as TransactionFields);
  } catch (error) {
    // The library's message names the field; the fields of a transaction are public.
    const detail = (error as Error).message.slice(0, 200);
    throw new Problem(422, 'bad-transaction', detail);
  }
}

/** In the spelling of EIP-55, however it was written. */
function checksummed(address: string): string {
  return addr.addChecksum(address.toLowerCase());
}

function messageBytes(body: MessageBody): Uint8Array {
  return 'text' in body ? Buffer.from(body.text, 'utf8') : Buffer.from(body.hex.slice(2), 'hex');
}
