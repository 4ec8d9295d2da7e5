import { Allocations } from './allocations.js';
import { CONTRACT_VERSION, type MemoryBackend } from './contract/backend.js';
import { SecureMemoryError } from './contract/errors.js';
import { ownOptions } from './contract/own-properties.js';
import { LeakDetector } from './lifetime/leak-detector.js';
import { type LoadAllOptions, loadAll } from './lifetime/load-all.js';
import { Ownership } from './lifetime/ownership.js';
import { waitMsMaxOf } from './lifetime/request.js';
import type { SecretFor } from './lifetime/secret-for.js';
import {
  type AllocatorOptions,
  type ResolvedOptions,
  resolveOptions,
  takeOptions,
} from './options.js';
import { type Loader, type Phase, type PhaseOptions, runPhase } from './phase.js';
import { whenAccessesClosed } from './places/open-accesses.js';
import { type CloseReport, Places } from './places/places.js';
import { demand, type Receipt } from './places/receipt.js';
import { registerForExit, unregisterForExit } from './places/shutdown.js';
import { Granter } from './requests/granter.js';
import { SealingKey } from './sealing/sealing-key.js';
import { type AllocatorStats, statsOf } from './stats.js';
import { createStore, type SecretStore } from './store/secret-store.js';
import type { StoreOptions } from './store/store-options.js';
import { type VerifyReport, verify } from './verify.js';

/** What `close()` takes. */
export interface CloseOptions {
  /** How long to wait for open leases, in milliseconds. Default: the allocator's `admission.waitMsMax`. */
  readonly waitMsMax?: number;
}

export type { CloseReport };

/** The one way to make an allocator: its class shows nothing of the inside. */
let allocatorOf: (ownership: Ownership) => Allocator;

/**
 * Hands out secrets in protected memory. Made by `createAllocator`; one per thread.
 *
 * It belongs to the thread that made it, and is the outermost phase: everything in it ends with `close()`.
 */
export class Allocator extends Allocations {
  readonly #ownership: Ownership;
  readonly #places: Places;
  #closing: Promise<CloseReport> | undefined;

  private constructor(ownership: Ownership) {
    super(ownership);
    this.#ownership = ownership;
    this.#places = ownership.places;
  }

  static {
    allocatorOf = (ownership) => new Allocator(ownership);
  }

  /** What a pooled secret gets here, and why anything is missing. Each secret has its own. */
  get receipt(): Receipt {
    return this.#places.receipt(this.#places.primary);
  }

  /** Runs `fn` in a lifetime group; see `runPhase`. */
  phase<T>(fn: (phase: Phase) => Promise<T> | T, options?: PhaseOptions): Promise<T> {
    return runPhase(this.#ownership, fn, options);
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
  loadAll<const Loaders extends readonly Loader[]>(
    loaders: Loaders,
    options?: LoadAllOptions,
  ): Promise<SecretFor<Loaders>> {
    return loadAll<Phase, Loaders>(runPhase, this.#ownership, loaders, options);
  }

  /**
   * A keyed store, sealed at rest and opened on demand. The first maps the pages of the sealing key, or throws a
   * capacity error with nothing changed.
   */
  store(options?: StoreOptions): SecretStore {
    return createStore(this.#ownership, options);
  }

  /** Exact counts and bytes of this instant. */
  stats(): AllocatorStats {
    return statsOf(this.#ownership);
  }

  /** Checks every canary, and every claim against the kernel, now. `ERR_SECMEM_CANARY_MISMATCH` when one is damaged. */
  verify(): VerifyReport {
    this.#places.assertOpen('verify');
    return verify(this.#places);
  }

  /**
   * Wipes every secret at once, lent copies included; every handle is disposed then. The allocator stays usable. Safe in
   * an exit handler. It unmaps nothing and checks no canary: empty regions serve whoever asks next, or go back to the system in the
   * turns that follow. Memory under an open view stays mapped, zeroed, until the view closes.
   */
  purge(reason = 'requested'): void {
    this.#places.purge(reason);
  }

  /**
   * Refuses new work at once, waits for open leases, then disposes every handle, and wipes and releases everything, some in each
   * turn of the loop. Waiting requests are rejected with `ERR_SECMEM_CLOSED`. Repeated calls share one promise. When the wait is too long it rejects with
   * `ERR_SECMEM_WAIT_TIMEOUT`, nothing freed under anybody; a later call waits anew.
   */
  close(options?: CloseOptions): Promise<CloseReport> {
    // One step: whoever is told that the queue was emptied, and closes too, is given this promise.
    return this.#places.telemetry.outbox.during(() => {
      this.#closing ??= this.#close(options).catch((error: unknown) => {
        this.#closing = undefined;
        throw error;
      });
      return this.#closing;
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close().then(() => {});
  }

  async #close(given: CloseOptions | undefined): Promise<CloseReport> {
    const places = this.#places;
    const options = ownOptions(given, ['waitMsMax'], 'options');
    const waitMsMax = waitMsMaxOf(options, places.options);
    places.isOpen = false;
    const cancelled = places.admission.cancel(
      new SecureMemoryError('ERR_SECMEM_CLOSED', 'the allocator was closed', {
        operation: 'allocate',
      }),
    );
    const { openAccesses } = places;
    const open = { any: () => openAccesses.size > 0, count: () => openAccesses.size };
    await whenAccessesClosed(places, open, waitMsMax, 'close');
    if (cancelled !== undefined) await cancelled;
    return places.shutDown(() => unregisterForExit(places.lastPurge));
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
  const places = new Places(resolved);
  const { primary, fallback, telemetry } = places;
  demand(places.receipt(primary), resolved.require, 'the memory');
  if (fallback !== undefined) {
    demand(places.receipt(fallback), resolved.require, 'the fallback memory');
  }
  if (resolved.raiseLimit) primary.budget.raise();
  try {
    primary.warmUp(resolved.lockedByteLengthMin);
  } catch (error) {
    places.endUnused();
    throw error;
  }
  places.warnAtOpening();
  if (resolved.exitHooks) registerForExit(places.lastPurge);
  const granter = new Granter(places);
  const sealingKey = new SealingKey(places);
  const leaks = new LeakDetector(resolved.leakDetection, telemetry);
  return allocatorOf(new Ownership({ places, granter, sealingKey, leaks }));
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

function checkAtRest({ backend, atRest, isolateViews }: ResolvedOptions): void {
  const { protection, views } = backend.capabilities;
  if (isolateViews && views !== 'revocable') {
    throw new SecureMemoryError(
      'ERR_SECMEM_NOT_SUPPORTED',
      `routing.isolateViews is not possible: the backend ${backend.name} has no views, and lends copies`,
      { operation: 'createAllocator', backend: backend.name },
    );
  }
  if (atRest === 'accessible' || protection === 'no-access' || protection === atRest) return;
  throw new SecureMemoryError(
    'ERR_SECMEM_NOT_SUPPORTED',
    `atRest '${atRest}' is not possible: the strongest protection of the backend ${backend.name} is '${protection}'`,
    { operation: 'createAllocator', backend: backend.name },
  );
}
