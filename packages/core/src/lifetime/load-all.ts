import { reasonOf, requireSignal, throwIfAborted } from '../common/abort-signal.js';
import { notA } from '../common/handle-kind.js';
import { onAbort } from '../common/on-abort.js';
import { inSlices } from '../common/slice.js';
import { within } from '../common/within.js';
import { isSecureMemoryError, SecureMemoryError } from '../contract/errors.js';
import { ownOptions } from '../contract/own-properties.js';
import { integer } from '../options.js';
import { isSecret, ownerOf, placeOf, type Secret } from '../secret/secret.js';
import type { Ownership } from './ownership.js';
import { SET_LENGTH_MAX, waitMsMaxOf } from './request.js';
import type { SecretFor } from './secret-for.js';

/** Makes one secret in a phase; `phase.ts` says what a loader may do. */
type LoaderIn<Phase> = (
  phase: Phase,
  index: number,
  signal: AbortSignal,
) => Promise<Secret> | Secret;

/** Runs `fn` in a phase inside `parent`, which ends with `fn`; `own` is to whom the secrets of the phase belong. */
type RunPhase<Phase> = <T>(
  parent: Ownership,
  fn: (phase: Phase, own: Ownership) => Promise<T>,
) => Promise<T>;

/** What `loadAll()` takes. */
export interface LoadAllOptions {
  /** How many loaders run at a time, 1 to 1,024. Default 1: one after another, in order. */
  readonly concurrencyMax?: number;
  /** Ends the load: it rejects with `signal.reason`, and everything is released. */
  readonly signal?: AbortSignal;
  /** Longest time for one loader, in milliseconds. Default: the allocator's `admission.waitMsMax`. */
  readonly waitMsMax?: number;
}

const CONCURRENCY_MAX = 1024;

/** See `Allocator.loadAll`. */
export async function loadAll<Phase, Loaders extends readonly LoaderIn<Phase>[]>(
  runPhase: RunPhase<Phase>,
  parent: Ownership,
  loaders: Loaders,
  given?: LoadAllOptions,
): Promise<SecretFor<Loaders>> {
  if (!Array.isArray(loaders)) throw new TypeError('loaders must be an array of functions');
  integer('the number of loaders', loaders.length, 0, SET_LENGTH_MAX);
  for (const loader of loaders) {
    if (typeof loader !== 'function') throw new TypeError('loaders must be an array of functions');
  }
  const options = ownOptions(given, ['concurrencyMax', 'signal', 'waitMsMax'], 'options');
  const { signal } = options;
  requireSignal(signal);
  const concurrencyMax = integer('concurrencyMax', options.concurrencyMax ?? 1, 1, CONCURRENCY_MAX);
  const waitMsMax = waitMsMaxOf(options, parent.places.options);
  throwIfAborted(signal);
  return runPhase(parent, async (phase, own) => {
    const load = new Load(phase, own, [...loaders], waitMsMax);
    return (await load.run(concurrencyMax, signal)) as SecretFor<Loaders>;
  });
}

/** One call of `loadAll`, inside a phase of its own. */
class Load<Phase> {
  readonly #phase: Phase;
  readonly #own: Ownership;
  readonly #loaders: readonly LoaderIn<Phase>[];
  readonly #waitMsMax: number;
  readonly #secrets: Secret[] = [];
  readonly #stop = new AbortController();
  #next = 0;
  #pending = 0;
  #failed = false;

  constructor(
    phase: Phase,
    own: Ownership,
    loaders: readonly LoaderIn<Phase>[],
    waitMsMax: number,
  ) {
    this.#phase = phase;
    this.#own = own;
    this.#loaders = loaders;
    this.#waitMsMax = waitMsMax;
  }

  /**
   * Settles at the first failure, and does not wait for loaders that are still running: one of them may never end. What
   * they bring later is disposed as it comes.
   */
  run(concurrencyMax: number, signal: AbortSignal | undefined): Promise<Secret[]> {
    return new Promise((resolve, reject) => {
      let withdraw = (): void => {};
      const fail = (error: unknown): void => {
        if (this.#failed) return;
        this.#failed = true;
        withdraw();
        this.#stop.abort(error);
        void this.#release(error).then(reject);
      };
      const proceed = (): void => {
        while (
          !this.#failed &&
          this.#pending < concurrencyMax &&
          this.#next < this.#loaders.length
        ) {
          this.#start(this.#next++, proceed, fail);
        }
        if (this.#failed || this.#pending > 0) return;
        try {
          resolve(this.#handUp());
          withdraw();
        } catch (error) {
          fail(error);
        }
      };
      if (signal !== undefined) withdraw = onAbort(signal, () => fail(reasonOf(signal)));
      proceed();
    });
  }

  #start(index: number, proceed: () => void, fail: (error: unknown) => void): void {
    this.#pending++;
    const { signal } = this.#stop;
    const loader = this.#loaders[index] as LoaderIn<Phase>;
    const start = (): Promise<Secret> | Secret => {
      throwIfAborted(signal);
      return loader(this.#phase, index, signal);
    };
    const timedOut = (waitedMs: number): SecureMemoryError => tooSlow(index, waitedMs);
    within(
      () => Promise.resolve().then(start),
      { waitMsMax: this.#waitMsMax, timedOut, signal },
      (late) => this.#releaseLate(late),
    )
      .then((secret) => {
        if (this.#failed) return this.#releaseLate(secret);
        this.#secrets[index] = checked(secret);
      })
      .catch((cause: unknown) => fail(loadFailed(index, cause)))
      .then(() => {
        this.#pending--;
        proceed();
      });
  }

  /** On success: what was loaded goes to the parent, once each, and stays with another owner where it has one. */
  #handUp(): Secret[] {
    for (const [index, secret] of this.#secrets.entries()) {
      try {
        placeOf(secret);
        if (ownerOf(secret) === this.#own) this.#own.handUp(secret);
      } catch (cause) {
        throw loadFailed(index, cause);
      }
    }
    return this.#secrets;
  }

  /**
   * On failure: every secret of the phase and every one returned, once each, some in each turn. What fails for one does not stop the rest.
   * The error stays what went wrong first, with what went wrong here in its details, or as events where it is the reason
   * of a signal, which is not ours to change.
   */
  async #release(error: unknown): Promise<unknown> {
    const { held, places } = this.#own;
    const cleanupErrors: unknown[] = [];
    const release = (secret: Secret): void => {
      const { byteLength } = secret;
      try {
        secret.dispose();
      } catch (cleanupError) {
        cleanupErrors.push(cleanupError);
        places.telemetry.emit('release-failed', { byteLength, error: cleanupError });
      }
    };
    const loaded = this.#secrets.filter((secret) => secret !== undefined);
    for (const secrets of [loaded, held ?? []]) {
      const rest = inSlices(secrets, release);
      if (rest !== undefined) await rest;
    }
    if (cleanupErrors.length === 0 || !isSecureMemoryError(error, 'ERR_SECMEM_LOAD_FAILED')) {
      return error;
    }
    return loadFailed(error.details['index'] as number, error.cause, cleanupErrors);
  }

  /** Nobody waits for this one any more, so what goes wrong is an event. */
  #releaseLate(secret: unknown): void {
    if (!isSecret(secret)) return;
    const { byteLength } = secret;
    try {
      secret.dispose();
    } catch (error) {
      this.#own.places.telemetry.emit('release-failed', { byteLength, error });
    }
  }
}

/** A loader must hand over a secret that is there. */
function checked(secret: unknown): Secret {
  if (!isSecret(secret)) throw notA('a Secret', 'what a loader returns', secret);
  placeOf(secret);
  return secret;
}

function loadFailed(
  index: number,
  cause: unknown,
  cleanupErrors: readonly unknown[] = [],
): SecureMemoryError {
  return new SecureMemoryError(
    'ERR_SECMEM_LOAD_FAILED',
    `secret ${index} could not be loaded; every other was released`,
    { operation: 'loadAll', cause, details: { index, cleanupErrors } },
  );
}

function tooSlow(index: number, waitedMs: number): SecureMemoryError {
  return new SecureMemoryError(
    'ERR_SECMEM_WAIT_TIMEOUT',
    `loader ${index} took more than ${waitedMs} ms`,
    { operation: 'loadAll', details: { limit: 'wait', waitedMs, index } },
  );
}
