import { COUNT_MAX, type LeakDetection } from '../options.js';
import type { PlaceHost } from '../placement/place-host.js';
import { type HandleWatch, placeOf, type Secret, setWatched } from '../secret/secret.js';
import type { Telemetry } from '../telemetry/events.js';

/** Where a handle was made, and where its secret lies now. */
interface Birth {
  host: PlaceHost;
  index: number;
  generation: number;
  readonly stack: string | undefined;
}

/** Of handles, under `'sampled'`: a leak in a loop is seen soon, and the cost per handle cannot be measured. */
const SAMPLE_EVERY = 256;

/** Of core's own, between the program that asks for a secret and this file: they must not push it off the stack. */
const OWN_FRAMES_MAX = 16;

/**
 * Reports handles that the collector took without `dispose`. It never frees: a view may still be reachable where the
 * handle is not, and wiping under it would hand out zeros for a key. At exit the collector does not run, and nothing here
 * relies on it.
 *
 * A handle chosen for the sample is watched from the next choice on, if its secret is still there by then. Most are gone,
 * and telling the collector of them and taking it back was a tenth of the cost of allocating and disposing 32 bytes.
 * The price: the youngest chosen handle is held, and its leak is reported one choice later.
 */
export class LeakDetector implements HandleWatch {
  readonly #every: number;
  readonly #stacks: boolean;
  readonly #telemetry: Telemetry;
  readonly #registry: FinalizationRegistry<Birth> | undefined;
  readonly #births = new WeakMap<Secret, Birth>();
  /** Births left until the next sample. */
  #countdown: number;
  /** Chosen, and not watched yet. */
  #candidate: Secret | undefined;

  constructor(mode: LeakDetection, telemetry: Telemetry) {
    this.#every = { all: 1, sampled: SAMPLE_EVERY, off: COUNT_MAX }[mode];
    this.#countdown = this.#every;
    this.#stacks = mode === 'all';
    this.#telemetry = telemetry;
    this.#registry =
      mode === 'off' ? undefined : new FinalizationRegistry((birth) => this.#report(birth));
  }

  onBirth(handle: Secret): void {
    if (--this.#countdown === 0) this.#choose(handle);
  }

  move(handle: Secret, host: PlaceHost, index: number): void {
    const generation = host.generationOf(index);
    Object.assign(this.#births.get(handle) as Birth, { host, index, generation });
  }

  untrack(handle: Secret): void {
    this.#births.delete(handle);
    this.#registry?.unregister(handle);
  }

  #choose(handle: Secret): void {
    this.#countdown = this.#every;
    if (this.#registry === undefined) return;
    if (this.#stacks) {
      this.#watch(handle, this.#registry, stackOfCaller());
      return;
    }
    const candidate = this.#candidate;
    this.#candidate = handle;
    if (candidate === undefined || candidate.disposed) return;
    this.#watch(candidate, this.#registry);
  }

  #watch(handle: Secret, registry: FinalizationRegistry<Birth>, stack?: string): void {
    const { host, index } = placeOf(handle);
    const birth = { host, index, generation: host.generationOf(index), stack };
    this.#births.set(handle, birth);
    registry.register(handle, birth, handle);
    setWatched(handle);
  }

  #report({ host, index, generation, stack }: Birth): void {
    if (!host.isLive(index, generation)) return;
    this.#telemetry.emit('leak', { byteLength: host.byteLengthOf(index), stack });
  }
}

function stackOfCaller(): string | undefined {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = stackTraceLimit + OWN_FRAMES_MAX;
  try {
    return new Error('allocated here').stack;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
