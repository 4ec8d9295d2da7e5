import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers';

/**
 * Work that can be parted holds the loop of its thread for so long in one turn, in milliseconds, all of it together; one step of
 * it may take longer by itself.
 */
export const TURN_MS = 10;

/** What such work has taken of this turn. */
let spentMs = 0;
let nextTurnIsNoted = false;

function spend(ms: number): void {
  spentMs += ms;
  if (nextTurnIsNoted) return;
  nextTurnIsNoted = true;
  setImmediate(() => {
    nextTurnIsNoted = false;
    spentMs = 0;
  });
}

/** One piece of work in one turn. */
export class Slice {
  #since = performance.now();

  /** Others are to be let in: the share of this turn is used up. */
  get isOver(): boolean {
    return spentMs + performance.now() - this.#since >= TURN_MS;
  }

  /** What it took counts against others in this turn. */
  end(): void {
    const now = performance.now();
    spend(now - this.#since);
    this.#since = now;
  }

  /** Lets the loop turn, and begins anew. */
  async next(): Promise<void> {
    this.end();
    await nextTurn();
    this.#since = performance.now();
  }
}

/** Calls `step` with one item after another until the share of this turn is used up; true when none is left. */
export function runSlice<T>(left: Iterator<T>, step: (item: T) => void): boolean {
  const slice = new Slice();
  try {
    while (!slice.isOver) {
      const next = left.next();
      if (next.done) return true;
      step(next.value);
    }
    return false;
  } finally {
    slice.end();
  }
}

/**
 * The same in as many turns as it takes: undefined where this one was enough, or a promise of the rest. `during` runs each
 * slice.
 */
export function inSlices<T>(
  items: Iterable<T>,
  step: (item: T) => void,
  during: (slice: () => boolean) => boolean = (slice) => slice(),
): Promise<void> | undefined {
  const left = items[Symbol.iterator]();
  const slice = (): boolean => runSlice(left, step);
  return during(slice) ? undefined : rest(() => during(slice));
}

async function rest(slice: () => boolean): Promise<void> {
  do await nextTurn();
  while (!slice());
}

/** After whatever is due in the loop now. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
