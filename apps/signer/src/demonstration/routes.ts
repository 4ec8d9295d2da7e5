import type { FastifyInstance } from 'fastify';
import { callerOf } from '../service/caller.js';
import type { EventLog } from '../service/event-log.js';
import { POLICY_NAMES, type PolicyChoice, type PolicyName } from '../service/policy-choice.js';
import { Problem } from '../service/problem.js';
import type { SigningService } from '../service/signing-service.js';
import type { StormOptions } from '../storm/options.js';
import { runStorm } from '../storm/storm.js';
import { credentials } from './credentials.js';
import { setLockLimit } from './lock-limit.js';
import { partialLoad } from './partial-load.js';
import type { ScratchMemory } from './scratch-memory.js';
import { signingStorm } from './signing-storm.js';

export interface DemonstrationParts {
  readonly service: SigningService;
  readonly log: EventLog;
  readonly policy: PolicyChoice;
  readonly scratch: ScratchMemory;
}

const SIGNALS = ['SIGKILL', 'SIGSEGV', 'SIGABRT', 'SIGTERM'] as const;
const PROGRESS_ENTRIES = 100_000;

const STORM: Omit<StormOptions, 'placement' | 'onCapacity'> = {
  backend: 'koffi',
  memlockByteLength: 65_536,
  budgetByteLength: 65_536,
  concurrency: 300,
  requests: 300,
};

function body(properties: Record<string, object>) {
  const required = Object.keys(properties);
  return {
    schema: { body: { type: 'object', properties, required, additionalProperties: false } },
  };
}

function integer(minimum: number, maximum: number) {
  return { type: 'integer', minimum, maximum };
}

/** The controls that break things on purpose. Only with `--demonstration`, and behind the token. */
export function demonstrationRoutes(app: FastifyInstance, parts: DemonstrationParts): void {
  const { service, log, scratch } = parts;
  const one = new OneAtATime();
  app.post<{ Body: { requests: number } }>(
    '/v1/demonstration/storm',
    body({ requests: integer(1, 5_000) }),
    (request, reply) =>
      one.run(async () => {
        const { requests } = request.body;
        const report = await signingStorm(service, requests, callerOf(request, reply));
        log.add(
          'storm',
          `${report.signed} of ${requests} requests signed, ${report.verified} verified.`,
        );
        return report;
      }),
  );
  app.post('/v1/demonstration/comparison', () =>
    one.run(async () => {
      const page = await runStorm({ ...STORM, placement: 'page', onCapacity: 'throw' });
      const pooled = await runStorm({ ...STORM, placement: 'pooled', onCapacity: 'wait' });
      log.add('comparison', `page per secret: ${page.succeeded}; pooled: ${pooled.succeeded}.`);
      return { page, pooled };
    }),
  );
  app.post('/v1/demonstration/partial-load', () =>
    one.run(async () => {
      const report = await partialLoad(scratch.memory);
      log.add(
        'partial-load',
        `Key ${report.failedIndex + 1} of ${report.keys} failed; nothing is left.`,
      );
      return report;
    }),
  );
  app.post<{ Body: { count: number } }>(
    '/v1/demonstration/credentials',
    body({ count: integer(1, 1_000_000) }),
    ({ body: { count } }) =>
      one.run(() =>
        credentials(scratch, count, (entries) => {
          if (entries % PROGRESS_ENTRIES !== 0) return;
          log.add('credentials', `${entries} of ${count} credentials are sealed.`);
        }),
      ),
  );
  limitRoutes(app, parts);
}

/** What is done to the process that has the keys. */
function limitRoutes(app: FastifyInstance, { service, log, policy }: DemonstrationParts): void {
  const livePid = (): number => {
    const { pid } = service.vault.health;
    if (pid === 0) throw new Problem(409, 'no-process', 'there is no process with keys now');
    return pid;
  };
  app.post<{ Body: { byteLength: number } }>(
    '/v1/demonstration/lock-limit',
    body({ byteLength: integer(0, 65_536) }),
    async ({ body: { byteLength } }) => {
      await setLockLimit(livePid(), byteLength);
      log.add('limit', `The lock limit of the live process is ${byteLength / 1_024} KiB now.`);
      return { byteLength };
    },
  );
  app.post<{ Body: { signal: (typeof SIGNALS)[number] } }>(
    '/v1/demonstration/keeper/kill',
    body({ signal: { enum: SIGNALS } }),
    ({ body: { signal } }) => {
      if (service.vault.kind !== 'keeper') {
        throw new Problem(
          409,
          'no-keeper',
          'the keys are in the service itself: there is no keeper',
        );
      }
      const pid = livePid();
      process.kill(pid, signal);
      log.add('kill', `Process ${pid}, the keeper, was sent ${signal}.`);
      return { pid, signal, policy: policy.name };
    },
  );
  app.post<{ Body: { policy: PolicyName } }>(
    '/v1/demonstration/keeper/policy',
    body({ policy: { enum: POLICY_NAMES } }),
    async ({ body: { policy: name } }) => {
      policy.name = name;
      // A policy belongs to a keeper from its start, so there is a new one.
      await service.renew();
      log.add('policy', `A new keeper runs under the policy ${name}.`);
      return { policy: name };
    },
  );
}

/** The expensive demonstrations: two at once would only measure each other. */
class OneAtATime {
  #busy = false;

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#busy)
      throw new Problem(409, 'busy', 'another demonstration is running', {
        retryAfterSeconds: 5,
      });
    this.#busy = true;
    try {
      return await work();
    } finally {
      this.#busy = false;
    }
  }
}
