import type { FastifyInstance } from 'fastify';
import { describe } from './api-description.js';
import { apiPage } from './api-page.js';
import { sampleOf } from './live-events.js';
import type { Metrics } from './metrics.js';
import type { Readiness } from './readiness.js';
import { ANSWERS } from './schemas.js';
import type { SigningService } from './signing-service.js';

export interface HealthRoutesParts {
  readonly service: SigningService;
  readonly readiness: Readiness;
  readonly metrics: Metrics;
}

/** What others ask about the service, all of it without a token. */
export function healthRoutes(app: FastifyInstance, parts: HealthRoutesParts): void {
  const { service, readiness, metrics } = parts;
  app.get(
    '/livez',
    {
      schema: describe('Is the process alive?', {
        description: 'Always 200: whoever answers is alive. It does not say that it can sign.',
        answer: { type: 'object', properties: { alive: { type: 'boolean' } } },
      }),
    },
    async () => ({ alive: true }),
  );
  for (const path of ['/readyz', '/health']) {
    app.get(
      path,
      {
        schema: describe('Can it sign?', {
          description:
            '503 unless a request to sign would be served: unsealed, its keys there, its database whole.',
          answer: ANSWERS.readiness,
          problems: [],
        }),
      },
      async (_request, reply) => {
        const report = await readiness.now();
        return reply.code(report.ready ? 200 : 503).send(report);
      },
    );
  }
  app.get(
    '/metrics',
    {
      schema: describe('Metrics', {
        description: 'For Prometheus.',
        answer: { type: 'string' },
        produces: 'text/plain',
      }),
    },
    async (_request, reply) => {
      reply.type(metrics.registry.contentType);
      return metrics.text();
    },
  );
  app.get('/v1/sample', { schema: { hide: true } }, () => sampleOf(service));
}

/** The description of every route, for programs and for people. Register it with them. */
export function apiRoutes(app: FastifyInstance): void {
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  app.get('/api', { schema: { hide: true } }, async (_request, reply) =>
    reply.type('text/html; charset=utf-8').send(apiPage(app.swagger())),
  );
}
