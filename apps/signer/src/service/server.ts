import type { Server as HttpServer } from 'node:http';
import fastify, { type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { acceptBodies, answerProblems, routeOf } from './answers.js';
import { collectDescription, describe } from './api-description.js';
import { ClientErrors } from './client-errors.js';
import { dashboardFiles } from './dashboard-files.js';
import type { EventLog } from './event-log.js';
import { refuseForeign, requireToken, SECURITY_HEADERS } from './gate.js';
import { apiRoutes, healthRoutes } from './health-routes.js';
import { keyRoutes } from './key-routes.js';
import { LiveEvents } from './live-events.js';
import { LoopDelay } from './loop-delay.js';
import { Metrics } from './metrics.js';
import type { Readiness } from './readiness.js';
import { REQUEST_ID_HEADER, requestIdOf } from './request-id.js';
import { rpcRoutes } from './rpc-routes.js';
import { ANSWERS } from './schemas.js';
import type { SigningService } from './signing-service.js';
import type { TokenFile } from './token-file.js';

/** Bytes of a body. */
const BODY_BYTE_LENGTH_MAX = 16_384;
/** Milliseconds that a connection may be silent, and between two looks at slow ones. */
const IDLE_MS_MAX = 300_000;
const LOOK_MS = 250;

export interface ServerParts {
  readonly service: SigningService;
  readonly readiness: Readiness;
  readonly log: EventLog;
  readonly logger: Logger;
  readonly tokens: TokenFile;
  readonly dashboardDirectory: string;
  /** The only chain that is signed for, where there is only one. */
  readonly chainId: bigint | undefined;
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
  const { service, log, logger, tokens } = parts;
  const metrics = new Metrics(service, parts.readiness);
  const delay = new LoopDelay();
  const clientErrors = new ClientErrors(delay, (status) => {
    metrics.observe('none', status, 0);
    logger.info({ route: 'none', status }, 'request');
  });
  const app: FastifyInstance = fastify({
    bodyLimit: BODY_BYTE_LENGTH_MAX,
    requestTimeout: parts.requestMsMax,
    http: { headersTimeout: parts.requestMsMax, connectionsCheckingInterval: LOOK_MS },
    connectionTimeout: IDLE_MS_MAX,
    keepAliveTimeout: 5_000,
    routerOptions: { maxParamLength: 64 },
    logger: false,
    genReqId: requestIdOf,
    forceCloseConnections: 'idle',
    clientErrorHandler: (error, socket) => clientErrors.handle(error, socket),
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false } },
  });
  // The schemas of answers describe them; what we send is what we say.
  app.setSerializerCompiler(() => JSON.stringify);
  (app.server as HttpServer).prependListener('request', (request) => clientErrors.arrived(request));
  acceptBodies(app);
  answerProblems(app, logger);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS).header(REQUEST_ID_HEADER, request.id);
    refuseForeign(request);
  });
  app.addHook('onResponse', async (request, reply) => {
    if (clientErrors.answered(request.raw.socket)) return;
    const route = routeOf(request);
    const { statusCode: status, elapsedTime } = reply;
    metrics.observe(route, status, elapsedTime / 1_000);
    const line = { requestId: request.id, method: request.method, route, status };
    logger.info({ ...line, ms: Math.round(elapsedTime) }, 'request');
  });
  const events = new LiveEvents(service, log);
  collectDescription(app);
  app.register(async (scope) => addRoutes(scope, parts, { metrics, events, tokens }));
  return {
    app,
    close: async () => {
      events.close();
      await app.close();
      delay.close();
    },
  };
}

interface RouteParts {
  readonly metrics: Metrics;
  readonly events: LiveEvents;
  readonly tokens: TokenFile;
}

/** After the collector of their descriptions. */
function addRoutes(app: FastifyInstance, parts: ServerParts, own: RouteParts): void {
  const { service, readiness, chainId, demonstration } = parts;
  const authorise = requireToken(own.tokens);
  keyRoutes(app, { service, authorise, chainId });
  vaultRoutes(app, service, authorise);
  rpcRoutes(app, { service, authorise, chainId });
  healthRoutes(app, { service, readiness, metrics: own.metrics });
  own.events.route(app);
  apiRoutes(app);
  dashboardFiles(app, parts.dashboardDirectory);
  if (demonstration !== undefined) {
    app.register(async (scope) => {
      scope.addHook('onRequest', authorise);
      demonstration(scope);
    });
  }
}

function vaultRoutes(
  app: FastifyInstance,
  service: SigningService,
  onRequest: ReturnType<typeof requireToken>,
): void {
  const schema = (summary: string, description: string): object =>
    describe(summary, {
      description,
      token: true,
      answer: ANSWERS.state,
      problems: [401, 403, 409, 503],
    });
  const unsealed = 'Reads the master key and proves it. Where it is there already nothing happens.';
  app.post('/v1/vault/unseal', { onRequest, schema: schema('Unseal', unsealed) }, async () => {
    const changed = service.state !== 'unsealed';
    await service.unseal();
    return { state: service.state, changed };
  });
  const sealed =
    'Wipes the master key and every key in use. It wins over an unseal that is under way.';
  app.post('/v1/vault/seal', { onRequest, schema: schema('Seal', sealed) }, async () => {
    const changed = await service.seal();
    return { state: service.state, changed };
  });
}
