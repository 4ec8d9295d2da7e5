import { isMainThread } from 'node:worker_threads';
import { runSlice } from '../common/slice.js';
import type { Region } from './region.js';
import type { Regions } from './regions.js';
import { Slab } from './slab.js';

/** A region in which nothing lives: a spare, a slab that ran empty, or one that nobody will use again. */
export type Vacant = Region | Slab;

/**
 * Vacant regions that are due to go back to the system. Unmapping takes the kernel its time, so some go in each turn; whoever wants one
 * before its turn comes is given it all the same.
 */
export class Departures {
  readonly #regions: Regions;
  readonly #reserveByteLength: number;
  readonly #takeOut: (vacant: Vacant) => boolean;
  /** The last goes first. */
  #due: Vacant[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** `reserveByteLength` bytes stay mapped. `takeOut` sees to it that nobody finds a region; false where it is not vacant. */
  constructor(regions: Regions, reserveByteLength: number, takeOut: (vacant: Vacant) => boolean) {
    this.#regions = regions;
    this.#reserveByteLength = reserveByteLength;
    this.#takeOut = takeOut;
  }

  add(vacants: Iterable<Vacant>): void {
    for (const vacant of vacants) {
      regionOf(vacant).idle = true;
      this.#due.push(vacant);
    }
    if (this.#due.length === 0 || this.#timer !== undefined) return;
    this.#timer = setTimeout(this.#onTimer, 0);
    // What is left goes with the process, which does not wait. A thread does, since its pages outlive it.
    if (isMainThread) this.#timer.unref();
  }

  clear(): void {
    this.#due = [];
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    this.#regions.outbox.during(() => runSlice(this.#inTurn(), (vacant) => this.#letGo(vacant)));
    this.add([]);
  };

  *#inTurn(): Generator<Vacant> {
    for (let next = this.#due.pop(); next !== undefined; next = this.#due.pop()) yield next;
  }

  /** Gives it back if it is still mapped, and was vacant ever since it became due. */
  #letGo(vacant: Vacant): void {
    const region = regionOf(vacant);
    const { all, mappedByteLength } = this.#regions;
    if (!all.has(region)) return;
    if (!region.retired) {
      const isKept = mappedByteLength - region.byteLength < this.#reserveByteLength;
      if (isKept && region.losses === undefined) return;
      if (!region.idle || !this.#takeOut(vacant)) return;
    }
    this.#regions.unmapQuietly(region);
  }
}

export function regionOf(vacant: Vacant): Region {
  return vacant instanceof Slab ? vacant.region : vacant;
}
