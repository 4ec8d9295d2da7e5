import type { FastifyReply, FastifyRequest } from 'fastify';
import { whoMade } from './gate.js';
import type { Caller } from './signing-service.js';

/** Who made a request behind `requireToken`. */
export function callerOf(request: FastifyRequest, reply: FastifyReply): Caller {
  return { who: whoMade(request), requestId: request.id, signal: abortedWith(reply) };
}

/** A signal that fires when the client is gone before it has its answer: nobody waits for memory on its behalf then. */
export function abortedWith(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}
