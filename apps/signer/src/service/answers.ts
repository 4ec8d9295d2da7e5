import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { Problem } from './problem.js';
import { problemOf } from './problem-of.js';
import { discardBody } from './unread-body.js';

/** JSON for what is public; a stream, never a buffer of ours, for what is a key. */
export function acceptBodies(app: FastifyInstance): void {
  app.removeContentTypeParser('text/plain');
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) => {
    done(null, payload);
  });
}

/** Whatever goes wrong is answered with a problem document, whole, also to a client that is still sending. */
export function answerProblems(app: FastifyInstance, logger: Logger): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = problemOf(error, 1);
    if (problem.slug === 'internal') logger.error(defectLine(error, request), 'a defect');
    return sendProblem(problem, request, reply);
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(new Problem(404, 'not-found', 'there is nothing here'), request, reply),
  );
  // Errors that a route answers in its own form have the same unread bodies.
  app.addHook('onSend', async (request, reply) => {
    if (reply.statusCode >= 400) await discardBody(request.raw);
  });
}

function sendProblem(
  problem: Problem,
  _request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (problem.retryAfterSeconds !== undefined) {
    reply.header('retry-after', `${problem.retryAfterSeconds}`);
  }
  return reply.code(problem.status).type('application/problem+json').send(problem.body);
}

/** A defect of ours: its kind and where. Its message stays out of the log, since it may hold anything. */
function defectLine(error: Error, request: FastifyRequest): object {
  const frame = error.stack
    ?.split('\n')
    .find((line) => line.includes('    at '))
    ?.trim();
  return { requestId: request.id, route: routeOf(request), error: error.name, frame };
}

/** The pattern of a route: the address of a request may hold anything. */
export function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'none';
}
