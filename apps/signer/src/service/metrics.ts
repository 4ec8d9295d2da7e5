import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Readiness } from './readiness.js';
import type { SigningService } from './signing-service.js';

/** Prometheus metrics. Byte lengths are bytes, times seconds, as Prometheus has it. */
export class Metrics {
  readonly registry = new Registry();
  readonly #duration: Histogram<'route' | 'status'>;

  constructor(service: SigningService, readiness: Readiness) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.#duration = new Histogram({
      name: 'signer_http_request_duration_seconds',
      help: 'Time from the request to the end of its answer',
      labelNames: ['route', 'status'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    });
    const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers });
    const gauges = {
      locked: gauge('securemem_locked_bytes', 'Bytes that the process with the keys has locked'),
      limit: gauge('securemem_limit_bytes', 'Bytes that it may lock'),
      secrets: gauge('securemem_secrets', 'Live secrets'),
      waiting: gauge('securemem_waiting', 'Requests that wait for locked memory'),
      quarantined: gauge('securemem_quarantined_slots', 'Slots out of use'),
      crashes: gauge('signer_keeper_crashes', 'Deaths of the keeper of now that nobody asked for'),
      restarts: gauge('signer_keeper_restarts', 'New lives of the keeper of now'),
      unsealed: gauge('signer_unsealed', '1 when the master key is there'),
      ready: gauge('signer_ready', '1 when a request to sign would be served'),
    };
    const { counts } = service;
    const counter = (name: string, help: string, value: () => number): void => {
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(value());
        },
      });
    };
    counter('signer_signatures_total', 'Signatures made', () => counts.signed);
    counter('signer_keys_stored_total', 'Keys created and imported', () => counts.created);
    counter('signer_pushed_back_total', 'Requests told to come back', () => counts.pushedBack);
    counter('signer_failures_total', 'Requests that failed', () => counts.failed);
    this.#refresh = async () => {
      // Without a process that has keys nothing is locked: zero is the truth then.
      const figures = await service.figures();
      gauges.locked.set(figures?.lockedByteLength ?? 0);
      gauges.limit.set(figures?.limitByteLength ?? 0);
      gauges.secrets.set(figures?.secrets ?? 0);
      gauges.waiting.set(figures?.waiting ?? 0);
      gauges.quarantined.set(figures?.quarantinedSlots ?? 0);
      gauges.crashes.set(service.vault.health.crashes);
      gauges.restarts.set(service.vault.health.restarts);
      gauges.ready.set((await readiness.now()).ready ? 1 : 0);
      gauges.unsealed.set(service.state === 'unsealed' ? 1 : 0);
    };
  }

  readonly #refresh: () => Promise<void>;

  observe(route: string, status: number, seconds: number): void {
    this.#duration.observe({ route, status: `${status}` }, seconds);
  }

  /** The text format. */
  async text(): Promise<string> {
    await this.#refresh();
    return this.registry.metrics();
  }
}
