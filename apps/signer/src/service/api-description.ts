import { STATUS_CODES } from 'node:http';
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { ANSWERS } from './schemas.js';

export interface Description {
  readonly description: string;
  /** Whether it takes the bearer token. */
  readonly token?: boolean;
  readonly params?: object;
  readonly querystring?: object;
  readonly body?: object;
  readonly consumes?: readonly string[];
  /** Of success; 200 unless it says so. */
  readonly status?: number;
  readonly answer: object;
  /** The type of the answer, unless it is JSON. */
  readonly produces?: string;
  readonly problems?: readonly number[];
}

/** The schema of a route: what a request is checked against, and what the description of the API is made of. */
export function describe(summary: string, description: Description): object {
  const { token, status = 200, answer, problems = [], produces, ...rest } = description;
  const success = produces === undefined ? answer : { content: { [produces]: { schema: answer } } };
  return {
    summary,
    ...rest,
    ...(token && { security: [{ token: [] }] }),
    response: {
      [status]: { description: STATUS_CODES[status], ...success },
      ...Object.fromEntries(problems.map((code) => [code, problemOfStatus(code)])),
    },
  };
}

function problemOfStatus(status: number): object {
  return {
    description: STATUS_CODES[status],
    content: { 'application/problem+json': { schema: ANSWERS.problem } },
  };
}

/** Collects the schemas of every route that is registered after it into one OpenAPI document. */
export function collectDescription(app: FastifyInstance): void {
  app.register(swagger, {
    openapi: {
      openapi: '3.0.3',
      info: {
        title: 'securemem signer',
        version: '1',
        description:
          'Signs Ethereum transactions and messages with keys that live in locked memory.',
        license: { name: 'MIT' },
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    },
  });
}
