import fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import { dashboardFiles } from './dashboard-files.js';
import type { EventLog } from './event-log.js';
import { refuseForeign, requireToken, SECURITY_HEADERS } from './gate.js';
import { keyRoutes } from './key-routes.js';
import { LiveEvents, sampleOf } from './live-events.js';
import { Metrics } from './metrics.js';
import { Problem, problemOf } from './problem.js';
import type { SigningService } from './signing-service.js';
import type { Token } from './token.js';

/** Bytes of a body. */
const BODY_BYTE_LENGTH_MAX = 16_384;
/** Milliseconds that a connection may be silent, and between two looks at slow ones. */
const IDLE_MS_MAX = 300_000;
const LOOK_MS = 250;

export interface ServerParts {
  readonly service: SigningService;
  readonly log: EventLog;
  readonly token: Token;
  readonly dashboardDirectory: string;
  /** How long a client may take to send one request, in milliseconds. */
  readonly requestMsMax: number;
  /** Adds the routes of the demonstration, behind the token. */
  readonly demonstration?: (app: FastifyInstance) => void;
}

export interface Server {
  readonly app: FastifyInstance;
  /** Ends the event streams and stops listening, once the answers under way are sent. */
  close(): Promise<void>;
}

/** The HTTP server over a service, not yet listening. */
export function createServer(parts: ServerParts): Server {
  const { service, log, token } = parts;
  const app = fastify({
    bodyLimit: BODY_BYTE_LENGTH_MAX,
    requestTimeout: parts.requestMsMax,
    http: { headersTimeout: parts.requestMsMax, connectionsCheckingInterval: LOOK_MS },
    connectionTimeout: IDLE_MS_MAX,
    keepAliveTimeout: 5_000,
    routerOptions: { maxParamLength: 64 },
    logger: false,
    forceCloseConnections: 'idle',
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
  });
  const metrics = new Metrics(service);
  const events = new LiveEvents(service, log);
  acceptBodies(app);
  answerProblems(app);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS);
    refuseForeign(request);
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    metrics.observe(route, reply.statusCode, reply.elapsedTime / 1_000);
  });
  const authorise = requireToken(token);
  keyRoutes(app, service, authorise);
  vaultRoutes(app, service, authorise);
  events.route(app);
  app.get('/v1/sample', () => sampleOf(service));
  app.get('/health', (_request, reply) => {
    const { state } = service;
    const { condition } = service.vault.health;
    return reply.code(state === 'closing' ? 503 : 200).send({ state, keys: condition });
  });
  app.get('/metrics', async (_request, reply) => {
    reply.type(metrics.registry.contentType);
    return metrics.text();
  });
  dashboardFiles(app, parts.dashboardDirectory);
  const { demonstration } = parts;
  if (demonstration !== undefined) {
    app.register(async (scope) => {
      scope.addHook('onRequest', authorise);
      demonstration(scope);
    });
  }
  return {
    app,
    close: async () => {
      events.close();
      await app.close();
    },
  };
}

function vaultRoutes(
  app: FastifyInstance,
  service: SigningService,
  onRequest: ReturnType<typeof requireToken>,
): void {
  app.post('/v1/vault/unseal', { onRequest }, async () => {
    await service.unseal();
    return { state: service.state };
  });
  app.post('/v1/vault/seal', { onRequest }, async () => {
    await service.seal();
    return { state: service.state };
  });
}

/** JSON for what is public; a stream, never a buffer of ours, for what is a key. */
function acceptBodies(app: FastifyInstance): void {
  app.removeContentTypeParser('text/plain');
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) => {
    done(null, payload);
  });
}

function answerProblems(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = problemOf(error, 1);
    if (problem.slug === 'internal') report(error, request.routeOptions.url);
    if (problem.retryAfterSeconds !== undefined) {
      reply.header('retry-after', `${problem.retryAfterSeconds}`);
    }
    return reply.code(problem.status).type('application/problem+json').send(problem.body);
  });
  app.setNotFoundHandler(() => {
    throw new Problem(404, 'not-found', 'there is nothing here');
  });
}

/** A defect of ours: its kind and where, on one line. Its message stays out of the log, since it may hold anything. */
function report(error: Error, route: string | undefined): void {
  const frame = error.stack
    ?.split('\n')
    .find((line) => line.includes('    at '))
    ?.trim();
  process.stderr.write(`signer: ${error.name} in ${route ?? 'no route'} ${frame ?? ''}\n`);
}
