import { Allocations, ownershipOf } from './allocations.js';
import { throwIfAborted } from './common/abort-signal.js';
import { within } from './common/within.js';
import { isSecureMemoryError, SecureMemoryError } from './contract/errors.js';
import { ownOptions } from './contract/own-properties.js';
import { type EndOptions, endHeld } from './lifetime/end-held.js';
import { type LoadAllOptions, loadAll } from './lifetime/load-all.js';
import { Ownership } from './lifetime/ownership.js';
import { waitMsMaxOf } from './lifetime/request.js';
import type { SecretFor } from './lifetime/secret-for.js';
import { oneOf } from './options.js';
import { placeOf, requireSecret, type Secret } from './secret/secret.js';

/** What `phase()` takes. */
export interface PhaseOptions {
  /** Ends the phase early: the call rejects with `signal.reason`, and everything of the phase is released. */
  readonly signal?: AbortSignal;
  /** What the end does about leases that are still open. Default `'wait'`. */
  readonly onOpenAccess?: 'wait' | 'throw';
  /** How long the end waits for them, in milliseconds. Default: the allocator's `admission.waitMsMax`. */
  readonly waitMsMax?: number;
}

/**
 * Makes one secret. What it allocates through `phase` is released when the load fails, and when it succeeds and was not
 * returned (a password for a key file, say). `signal` tells it that its result is no longer wanted.
 */
export type Loader = (phase: Phase, index: number, signal: AbortSignal) => Promise<Secret> | Secret;

/** The one way to make a phase: its class shows nothing of the inside. */
let phaseOf: (ownership: Ownership) => Phase;

/** A lifetime group. */
export class Phase extends Allocations {
  private constructor(ownership: Ownership) {
    super(ownership);
  }

  static {
    phaseOf = (ownership) => new Phase(ownership);
  }

  /**
   * Moves a secret of this phase to the parent, where it outlives this one. `ERR_SECMEM_INPUT_INVALID` when it belongs to
   * somebody else, `ERR_SECMEM_DISPOSED` when it is gone; then nothing has changed.
   */
  keep(secret: Secret): Secret {
    requireSecret(secret, 'secret');
    placeOf(secret);
    ownershipOf(this).handUp(secret);
    return secret;
  }

  /** As `Allocator.loadAll`; the secrets belong to this phase. */
  loadAll<const Loaders extends readonly Loader[]>(
    loaders: Loaders,
    options?: LoadAllOptions,
  ): Promise<SecretFor<Loaders>> {
    return loadAll<Phase, Loaders>(runPhase, ownershipOf(this), loaders, options);
  }

  /** Runs `fn` in a phase inside this one, which ends before this one does. */
  phase<T>(fn: (phase: Phase) => Promise<T> | T, options?: PhaseOptions): Promise<T> {
    return runPhase(ownershipOf(this), fn, options);
  }
}

/**
 * Runs `fn` with a phase of its own and ends the phase, however `fn` ends: by return, throw, rejection or abort. Phases
 * are told apart by the object that `fn` is given, so those that interleave at an await never touch each other's secrets.
 *
 * The end first refuses new allocations and cancels waiting ones, then ends the phases inside it, waits for open leases
 * (or refuses them with `ERR_SECMEM_IN_USE`), also of secrets that were disposed or purged under them, then disposes every
 * secret. A lease that is still open after that keeps its bytes until its release, and the handle is disposed all the same.
 * What `fn` threw goes before what cleaning up threw.
 * A phase and the one around it may both wait for the same end, and are told the same of it.
 */
export async function runPhase<T>(
  parent: Ownership,
  fn: (phase: Phase, own: Ownership) => Promise<T> | T,
  given?: PhaseOptions,
): Promise<T> {
  const { places } = parent;
  const options = ownOptions(given, ['signal', 'onOpenAccess', 'waitMsMax'], 'options');
  const { signal } = options;
  const onOpenAccess = oneOf('onOpenAccess', options.onOpenAccess, ['wait', 'throw']);
  const waitMsMax = waitMsMaxOf(options, places.options);
  throwIfAborted(signal);
  places.assertOpen('phase');
  if (parent.ended) {
    throw new SecureMemoryError('ERR_SECMEM_CLOSED', 'the phase has ended', { operation: 'phase' });
  }
  const ownership = new Ownership(parent, parent);
  let ending: Promise<void> | undefined;
  const end = (): Promise<void> => {
    // One step: whoever is told of the first part of the end finds it begun.
    return places.telemetry.outbox.during(() => {
      ending ??= endPhase(ownership, { onOpenAccess, waitMsMax });
      return ending;
    });
  };
  ownership.end = end;
  let result: T;
  try {
    result = await within(async () => fn(phaseOf(ownership), ownership), { signal });
  } catch (error) {
    await end().catch((cleanup: unknown) => {
      places.telemetry.emit('release-failed', { byteLength: 0, error: cleanup });
    });
    throw error;
  }
  await end();
  return result;
}

async function endPhase(ownership: Ownership, options: EndOptions): Promise<void> {
  const { places } = ownership;
  ownership.ended = true;
  const errors: unknown[] = [];
  const cancelled = places.admission.cancel(closedError(), ownership);
  for (const child of ownership.children) await child.end().catch((e: unknown) => errors.push(e));
  await endHeld(places, ownership.held as Set<Secret>, options, errors);
  if (cancelled !== undefined) await cancelled;
  ownership.detach();
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw severalErrors(errors);
}

/** The first error of ours gives the code; all of them are in its details. */
function severalErrors(errors: readonly unknown[]): SecureMemoryError {
  const first = errors.find((error) => isSecureMemoryError(error));
  return new SecureMemoryError(
    first?.code ?? 'ERR_SECMEM_PLATFORM',
    `the phase ended with ${errors.length} errors, which are in details.errors; the first of them: ` +
      `${first?.message ?? String(errors[0])}`,
    { operation: 'phase end', cause: first ?? errors[0], details: { ...first?.details, errors } },
  );
}

function closedError(): SecureMemoryError {
  return new SecureMemoryError('ERR_SECMEM_CLOSED', 'the phase ended before there was a place', {
    operation: 'allocate',
  });
}
