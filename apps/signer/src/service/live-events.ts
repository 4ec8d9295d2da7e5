import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { EventLog } from './event-log.js';
import { Problem } from './problem.js';
import type { SigningService } from './signing-service.js';

const SAMPLE_MS = 250;
const CLIENTS_MAX = 32;
/** Bytes that a client may be behind before it is let go: a stalled page must not fill our memory. */
const BEHIND_BYTE_LENGTH_MAX = 1_048_576;

/** Server-sent events: `sample` with every figure, four times a second, and `log` when something happened. */
export class LiveEvents {
  readonly #service: SigningService;
  readonly #log: EventLog;
  readonly #clients = new Set<ServerResponse>();
  readonly #stopListening: () => void;
  #timer: NodeJS.Timeout | undefined;
  #sampling = false;

  constructor(service: SigningService, log: EventLog) {
    this.#service = service;
    this.#log = log;
    this.#stopListening = log.listen((entry) => this.#broadcast('log', entry, entry.id));
  }

  route(app: FastifyInstance): void {
    app.get('/v1/events', { schema: { hide: true } }, (request, reply) => {
      if (this.#clients.size >= CLIENTS_MAX) {
        throw new Problem(429, 'too-many-listeners', 'too many pages listen already', {
          retryAfterSeconds: 10,
        });
      }
      reply.hijack();
      const { raw } = reply;
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined) raw.setHeader(name, value);
      }
      raw.writeHead(200, { 'content-type': 'text/event-stream' });
      this.#clients.add(raw);
      raw.once('close', () => this.#leave(raw));
      const lastId = Number(request.headers['last-event-id'] ?? 0) || 0;
      for (const entry of this.#log.after(lastId)) raw.write(format('log', entry, entry.id));
      this.#timer ??= setInterval(() => void this.#sample(), SAMPLE_MS);
      void this.#sample();
    });
  }

  /** Ends every stream, so that the server can close. */
  close(): void {
    this.#stopListening();
    for (const client of this.#clients) client.end();
    this.#clients.clear();
    clearInterval(this.#timer);
  }

  #leave(client: ServerResponse): void {
    this.#clients.delete(client);
    if (this.#clients.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** One at a time: a keeper under load may take longer to answer than the next sample is away. */
  async #sample(): Promise<void> {
    if (this.#sampling) return;
    this.#sampling = true;
    try {
      this.#broadcast('sample', await sampleOf(this.#service));
    } finally {
      this.#sampling = false;
    }
  }

  #broadcast(event: string, data: unknown, id?: number): void {
    const text = format(event, data, id);
    for (const client of this.#clients) {
      if (client.writableLength > BEHIND_BYTE_LENGTH_MAX) client.destroy();
      else client.write(text);
    }
  }
}

/** Everything that the dashboard shows, at one instant. */
export async function sampleOf(service: SigningService) {
  return {
    at: Date.now(),
    state: service.state,
    signing: service.vault.kind,
    health: service.vault.health,
    figures: await service.figures(),
    latency: service.latencies.summary(),
    counts: service.counts,
    rssByteLength: process.memoryUsage.rss(),
  };
}

export type Sample = Awaited<ReturnType<typeof sampleOf>>;

function format(event: string, data: unknown, id?: number): string {
  const idLine = id === undefined ? '' : `id: ${id}\n`;
  return `${idLine}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
