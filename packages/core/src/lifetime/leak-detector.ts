import type { LeakDetection } from '../options.js';
import type { PlaceHost } from '../placement/place-host.js';
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
 */
export class LeakDetector {
  /** A handle is watched when its number has none of these bits. */
  readonly #skip: number;
  readonly #stacks: boolean;
  readonly #telemetry: Telemetry;
  readonly #registry: FinalizationRegistry<Birth> | undefined;
  readonly #births = new WeakMap<object, Birth>();
  #count = 0;

  constructor(mode: LeakDetection, telemetry: Telemetry) {
    this.#skip = mode === 'sampled' ? SAMPLE_EVERY - 1 : 0;
    this.#stacks = mode === 'all';
    this.#telemetry = telemetry;
    this.#registry =
      mode === 'off' ? undefined : new FinalizationRegistry((birth) => this.#report(birth));
  }

  /** True when the handle is watched, and `untrack` is due when it is disposed. */
  track(handle: object, host: PlaceHost, index: number): boolean {
    this.#count = (this.#count + 1) | 0;
    if ((this.#count & this.#skip) !== 0 || this.#registry === undefined) return false;
    return this.#watch(handle, host, index, this.#registry);
  }

  #watch(
    handle: object,
    host: PlaceHost,
    index: number,
    registry: FinalizationRegistry<Birth>,
  ): boolean {
    const stack = this.#stacks ? stackOfCaller() : undefined;
    const birth = { host, index, generation: host.generationOf(index), stack };
    this.#births.set(handle, birth);
    registry.register(handle, birth, handle);
    return true;
  }

  /** The secret of a handle that is watched lies in another place now. */
  move(handle: object, host: PlaceHost, index: number): void {
    const generation = host.generationOf(index);
    Object.assign(this.#births.get(handle) as Birth, { host, index, generation });
  }

  untrack(handle: object): void {
    this.#births.delete(handle);
    this.#registry?.unregister(handle);
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
