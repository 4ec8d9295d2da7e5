import type { EventLog } from './event-log.js';
import type { ServiceState } from './lifecycle.js';
import { problemOf } from './problem-of.js';
import type { SigningService } from './signing-service.js';

/** How often it is looked at without anybody asking, in milliseconds: so that the log says it, too. */
const LOOK_MS = 1_000;

export interface ReadinessReport {
  /** Whether a request to sign would be served now. */
  readonly ready: boolean;
  readonly state: ServiceState;
  /** How the process with the keys is. */
  readonly keys: string;
  /** `ready`, or the problem of the database. */
  readonly storage: string;
}

/** Whether the service can do its work, for whoever sends it some. Says so in the log whenever that changes. */
export class Readiness {
  readonly #service: SigningService;
  readonly #log: EventLog;
  readonly #onLost: () => void;
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<ReadinessReport> | undefined;
  #said = '';

  /** `onLost` is called when no restart will bring the keys back: once for each look that finds it so. */
  constructor(service: SigningService, log: EventLog, onLost: () => void) {
    this.#service = service;
    this.#log = log;
    this.#onLost = onLost;
    this.#timer = setInterval(() => void this.now(), LOOK_MS);
    this.#timer.unref();
  }

  /** Never rejects. Whoever asks while somebody looks gets the same answer. */
  now(): Promise<ReadinessReport> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<ReadinessReport> {
    const storage = await this.#service.store.check().then(
      () => 'ready',
      (error: unknown) => {
        const { slug, message } = problemOf(error, 1);
        return `${slug}: ${message}`;
      },
    );
    const { state } = this.#service;
    const keys = this.#service.vault.health.condition;
    const ready = state === 'unsealed' && keys === 'ready' && storage === 'ready';
    this.#say(ready, `state ${state}, keys ${keys}, storage ${storage}`);
    if (state === 'lost' || state === 'halted') this.#onLost();
    return { ready, state, keys, storage };
  }

  #say(ready: boolean, text: string): void {
    if (text === this.#said || this.#service.state === 'closing') return;
    this.#said = text;
    const kind = ready ? 'ready' : 'not-ready';
    this.#log.add(kind, `${ready ? 'Ready' : 'Not ready'}: ${text}.`, ready ? 'info' : 'warn');
  }
}
