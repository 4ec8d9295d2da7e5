import { Allocations, ownershipOf } from './allocations.js';
import { CONTRACT_VERSION, type MemoryBackend } from './contract/backend.js';
import { SecureMemoryError } from './contract/errors.js';
import { ownOptions } from './contract/own-properties.js';
import { Engine } from './engine.js';
import { type LoadAllOptions, type Loader, loadAll } from './lifetime/load-all.js';
import { Ownership } from './lifetime/ownership.js';
import {
  type AllocatorOptions,
  integer,
  type ResolvedOptions,
  resolveOptions,
  TIMER_MS_MAX,
  takeOptions,
} from './options.js';
import { type Phase, type PhaseOptions, runPhase } from './phase.js';
import { whenAccessesClosed } from './places/open-accesses.js';
import { demand, type Receipt } from './places/receipt.js';
import { registerForExit, unregisterForExit } from './places/shutdown.js';
import type { Secret } from './secret/secret.js';
import { type AllocatorStats, statsOf } from './stats.js';
import { type SecretStore, storeInternals } from './store/secret-store.js';
import type { StoreOptions } from './store/store-options.js';
import { type VerifyReport, verify } from './verify.js';

/** What `close()` takes. */
export interface CloseOptions {
  /** How long to wait for open leases, in milliseconds. Default: the allocator's `admission.waitMsMax`. */
  readonly waitMsMax?: number;
}

/** What `close()` did. */
export interface CloseReport {
  /** Secrets that were still live and are wiped now. */
  readonly secretsReleased: number;
  /** Bytes that stay mapped, wiped, since a view over them escaped or is stuck, or the system refused to take them. */
  readonly byteLengthLeftMapped: number;
}

/**
 * Hands out secrets in protected memory. Made by `createAllocator`; one per thread.
 *
 * It belongs to the thread that made it, and is the outermost phase: everything in it ends with `close()`.
 */
export class Allocator extends Allocations {
  readonly #engine: Engine;
  #closing: Promise<CloseReport> | undefined;

  /** @internal */
  constructor(engine: Engine) {
    super(new Ownership(engine));
    this.#engine = engine;
  }

  /** What a pooled secret gets here, and why anything is missing. Each secret has its own. */
  get receipt(): Receipt {
    return this.#engine.receipt(undefined);
  }

  /** Runs `fn` in a lifetime group; see `runPhase`. */
  phase<T>(fn: (phase: Phase) => Promise<T> | T, options?: PhaseOptions): Promise<T> {
    return runPhase(ownershipOf(this), fn, options);
  }

  /**
   * Runs loaders that may fail, and gives what they made, in their order: every secret or none. The first failure aborts the
   * signal of the others, releases all that is there at once, and whatever a loader brings later when it comes.
   *
   * Rejects with `ERR_SECMEM_LOAD_FAILED` whose `details.index` names the loader and whose `cause` is what it threw, or
   * `ERR_SECMEM_WAIT_TIMEOUT` for one that took too long; errors of the release are in `details.cleanupErrors`. Rejects
   * with `signal.reason` when aborted. Two loaders may return one secret: it then stands at both places and is still one,
   * released once. In a phase, call `phase.loadAll`: the secrets then end with the phase.
   */
  loadAll(loaders: readonly Loader[], options?: LoadAllOptions): Promise<Secret[]> {
    return loadAll(ownershipOf(this), loaders, options);
  }

  /**
   * A keyed store, sealed at rest and opened on demand. The first maps the sealing key's region, one page, or throws a
   * capacity error with nothing changed.
   */
  store(options?: StoreOptions): SecretStore {
    return storeInternals.create(ownershipOf(this), options);
  }

  /** Exact counts and bytes of this instant. */
  stats(): AllocatorStats {
    return statsOf(this.#engine);
  }

  /** Checks every canary, and every claim against the kernel, now. `ERR_SECMEM_CANARY_MISMATCH` when one is damaged. */
  verify(): VerifyReport {
    this.#engine.assertOpen('verify');
    return verify(this.#engine);
  }

  /**
   * Wipes every secret at once, lent copies included; every handle is disposed then. The allocator stays usable. Safe in
   * an exit handler. Memory under an open view stays mapped, zeroed, until the view closes.
   */
  purge(reason = 'requested'): void {
    this.#engine.purge(reason);
  }

  /**
   * Refuses new work at once, waits for open leases, then wipes and releases everything. Waiting requests are rejected
   * with `ERR_SECMEM_CLOSED`. Repeated calls share one promise. When the wait is too long it rejects with
   * `ERR_SECMEM_WAIT_TIMEOUT`, nothing freed under anybody; a later call waits anew.
   */
  close(options?: CloseOptions): Promise<CloseReport> {
    this.#closing ??= this.#close(options).catch((error: unknown) => {
      this.#closing = undefined;
      throw error;
    });
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close().then(() => {});
  }

  async #close(given: CloseOptions | undefined): Promise<CloseReport> {
    const engine = this.#engine;
    const options = ownOptions(given, ['waitMsMax'], 'options');
    const waitMsMax = integer(
      'waitMsMax',
      options.waitMsMax ?? engine.options.waitMsMax,
      0,
      TIMER_MS_MAX,
    );
    engine.isOpen = false;
    engine.granter.admission.cancel(
      new SecureMemoryError('ERR_SECMEM_CLOSED', 'the allocator was closed', {
        operation: 'allocate',
      }),
    );
    await whenAccessesClosed(engine, () => engine.openAccesses.size, waitMsMax, 'close');
    return engine.shutDown(() => unregisterForExit(engine));
  }
}

/**
 * Opens an allocator over a backend.
 *
 * Throws `TypeError` or `RangeError` for bad options, `ERR_SECMEM_CONTRACT_VERSION` for a backend of another contract,
 * `ERR_SECMEM_NOT_SUPPORTED` for an `atRest` that the backend cannot give, `ERR_SECMEM_GUARANTEE_UNMET` where `require`
 * asks for more than backend or fallback have, `ERR_SECMEM_CANNOT_RAISE`, and what `map` throws when
 * `budget.lockedByteLengthMin` cannot be had. After a throw nothing is mapped or installed.
 */
export function createAllocator(given: AllocatorOptions): Allocator {
  if (typeof given !== 'object' || given === null) {
    throw new TypeError('createAllocator takes an options object with a backend');
  }
  const options = takeOptions(given);
  for (const backend of [options.backend, options.fallback]) {
    if (backend !== undefined || options.backend === undefined) checkBackend(backend);
  }
  const resolved = resolveOptions(options);
  checkAtRest(resolved);
  const engine = new Engine(resolved);
  demand(engine.receipt(undefined), resolved.require, 'the memory');
  if (engine.fallback !== undefined) {
    demand(engine.fallbackReceipt(), resolved.require, 'the fallback memory');
  }
  if (resolved.raiseLimit) engine.primary.budget.raise();
  try {
    engine.primary.warmUp(resolved.lockedByteLengthMin);
  } catch (error) {
    engine.shutDown(() => {});
    throw error;
  }
  engine.warnAtOpening();
  if (resolved.exitHooks) registerForExit(engine);
  return new Allocator(engine);
}

function checkBackend(backend: MemoryBackend | undefined): void {
  if (typeof backend !== 'object' || backend === null || typeof backend.map !== 'function') {
    throw new TypeError('backend must be a memory backend, such as koffiBackend()');
  }
  if (backend.contractVersion === CONTRACT_VERSION) return;
  throw new SecureMemoryError(
    'ERR_SECMEM_CONTRACT_VERSION',
    `the backend ${backend.name} speaks version ${backend.contractVersion} of the contract and this core ` +
      `speaks ${CONTRACT_VERSION}: install releases of both that belong together`,
    { operation: 'createAllocator', backend: backend.name },
  );
}

function checkAtRest({ backend, atRest }: ResolvedOptions): void {
  const { protection } = backend.capabilities;
  if (atRest === 'accessible' || protection === 'no-access' || protection === atRest) return;
  throw new SecureMemoryError(
    'ERR_SECMEM_NOT_SUPPORTED',
    `atRest '${atRest}' is not possible: the strongest protection of the backend ${backend.name} is '${protection}'`,
    { operation: 'createAllocator', backend: backend.name },
  );
}
