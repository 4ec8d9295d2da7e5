import { mapLimitVerdict, type Verdict } from './refusal.js';

/**
 * Mappings that are left to the engine. A process without a mapping left does not get errors, it dies: V8 and its helper
 * threads abort when they cannot map (seen with `std::bad_alloc` and `Fatal process out of memory` on Node 20 and 26 within
 * moments). So this backend stops short of the kernel's maximum.
 */
export const MAPPINGS_RESERVED = 128;

/** A region adds at most its two guards and itself. */
const MAPPINGS_PER_REGION = 3;

/** Between two counts at most this part of the room is used up by our own regions; the rest is for everybody else. */
const PARTS_OF_ROOM = 4;

/** Counting takes at most a part in so many of the time. */
const TIMES_OF_COUNT = 64;

/** Regions between two attempts to count where counting is not possible. */
const ATTEMPT_EVERY = 1024;

/** Fake clocks of tests replace the global ones later; this is the one that was there at import. */
const monotonicMs = performance.now.bind(performance);

export interface MappingsShort {
  readonly mappings: number;
  readonly mappingsMax: number;
}

/**
 * Watches the room without counting each time, which would cost milliseconds when there are many mappings. The next count
 * comes after a part of the room that the last one found, so filling a process from empty to full takes a few dozen counts;
 * and, since others map as well, after so many times what the last one took, so counting stays a small share of all time.
 */
export class MappingRoom {
  readonly #count: () => number | 'unknown';
  readonly #maximum: () => number | 'unknown';
  readonly #nowMs: () => number;
  #regionsUntilCount = 0;
  #countAgainAtMs = 0;

  /** `nowMs` never goes back. */
  constructor(
    count: () => number | 'unknown',
    maximum: () => number | 'unknown',
    nowMs: () => number = monotonicMs,
  ) {
    this.#count = count;
    this.#maximum = maximum;
    this.#nowMs = nowMs;
  }

  /** To be asked before each region. The numbers, where there is no room for one; undefined where there is or may be. */
  shortage(): MappingsShort | undefined {
    const beganMs = this.#nowMs();
    if (this.#regionsUntilCount > 0 && beganMs < this.#countAgainAtMs) {
      this.#regionsUntilCount -= 1;
      return undefined;
    }
    const mappings = this.#count();
    const mappingsMax = this.#maximum();
    const endedMs = this.#nowMs();
    this.#countAgainAtMs = endedMs + (endedMs - beganMs) * TIMES_OF_COUNT;
    if (mappings === 'unknown' || mappingsMax === 'unknown') {
      this.#regionsUntilCount = ATTEMPT_EVERY;
      return undefined;
    }
    const regions = Math.floor((mappingsMax - MAPPINGS_RESERVED - mappings) / MAPPINGS_PER_REGION);
    if (regions < 1) {
      this.#regionsUntilCount = 0;
      return { mappings, mappingsMax };
    }
    this.#regionsUntilCount = Math.floor(regions / PARTS_OF_ROOM);
    return undefined;
  }
}

/** What `map` says where there is no room. No system call was refused: it was not made. */
export function mappingsShortVerdict(requestedByteLength: number, short: MappingsShort): Verdict {
  const { mappings, mappingsMax } = short;
  const verdict = mapLimitVerdict(requestedByteLength, mappings, mappingsMax);
  return { ...verdict, details: { ...verdict.details, mappingsReserved: MAPPINGS_RESERVED } };
}
