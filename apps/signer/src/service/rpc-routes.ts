import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { describe } from './api-description.js';
import { callerOf } from './caller.js';
import type { KeyRoutesParts } from './key-routes.js';
import type { Problem } from './problem.js';
import { problemOf } from './problem-of.js';
import { errorBody, type RpcAnswer, RpcFailure, type RpcId, rpcErrorOf } from './rpc-error.js';
import { RpcMethods } from './rpc-methods.js';
import { ANSWERS } from './schemas.js';

const BATCH_MAX = 100;

/** Ethereum's JSON-RPC, as far as a signer has it: existing clients take this service for a node with unlocked accounts. */
export function rpcRoutes(app: FastifyInstance, parts: KeyRoutesParts): void {
  const methods = new RpcMethods(parts.service, parts.chainId);
  app.post(
    '/',
    {
      onRequest: parts.authorise,
      schema: describe('JSON-RPC', {
        description:
          '`eth_accounts`, `eth_signTransaction`, and `eth_chainId` where the service has only one chain. ' +
          `A batch has at most ${BATCH_MAX} calls.`,
        token: true,
        body: {},
        answer: ANSWERS.rpc,
        problems: [],
      }),
      errorHandler: (error, _request, reply) => sendFailure(reply, problemOf(error, 1)),
    },
    async (request, reply) => {
      const { body } = request;
      if (Array.isArray(body)) return answerBatch(methods, body, request, reply);
      const answer = await answerCall(methods, body, request, reply);
      if (answer === undefined) return reply.code(204).send();
      pushBack(reply, answer);
      return answer.body;
    },
  );
}

async function answerBatch(
  methods: RpcMethods,
  calls: readonly unknown[],
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  if (calls.length === 0 || calls.length > BATCH_MAX) {
    const detail = `a batch has 1 to ${BATCH_MAX} calls`;
    return errorBody(null, new RpcFailure(-32_600, detail));
  }
  const answers = await Promise.all(calls.map((call) => answerCall(methods, call, request, reply)));
  const bodies = answers.flatMap((answer) => (answer === undefined ? [] : [answer.body]));
  return bodies.length === 0 ? reply.code(204).send() : bodies;
}

/** `undefined` for a notification: nothing is done for whoever does not want to know. */
async function answerCall(
  methods: RpcMethods,
  call: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<RpcAnswer | undefined> {
  const { jsonrpc, id, method, params } = (call ?? {}) as Record<string, unknown>;
  if (jsonrpc !== '2.0' || typeof method !== 'string' || !isId(id)) {
    const failure = new RpcFailure(-32_600, 'this is no JSON-RPC 2.0 call');
    return { body: errorBody(isId(id) ? (id ?? null) : null, failure) };
  }
  if (id === undefined) return undefined;
  try {
    const result = await methods.call(method, params ?? [], request, callerOf(request, reply));
    return { body: { jsonrpc: '2.0', id, result } };
  } catch (error) {
    const problem = error instanceof RpcFailure ? undefined : problemOf(error, 1);
    const failure = error instanceof RpcFailure ? error : rpcErrorOf(problem as Problem);
    return { body: errorBody(id, failure), problem };
  }
}

/** A single call that should come back says so to clients that know HTTP only, and they do. */
function pushBack(reply: FastifyReply, { problem }: RpcAnswer): void {
  if (problem?.retryAfterSeconds === undefined) return;
  reply.code(problem.status).header('retry-after', `${problem.retryAfterSeconds}`);
}

function sendFailure(reply: FastifyReply, problem: Problem): FastifyReply {
  const failure =
    problem.slug === 'malformed-json'
      ? new RpcFailure(-32_700, problem.message)
      : rpcErrorOf(problem);
  return reply.code(problem.status).send(errorBody(null, failure));
}

function isId(id: unknown): id is RpcId | undefined {
  return id === undefined || id === null || typeof id === 'string' || typeof id === 'number';
}
