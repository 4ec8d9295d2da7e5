import type { Region } from './region.js';
import { restedEnough } from './resting.js';

/** Vacant regions over which views were open: wiped, and to be used again first in, first out, if they are at all. */
export class RestingRegions {
  readonly #regions = new Set<Region>();
  readonly #reused: boolean;

  /** `reused` is false where no secret may come where another was shown. */
  constructor(reused: boolean) {
    this.#reused = reused;
  }

  get size(): number {
    return this.#regions.size;
  }

  add(region: Region): void {
    this.#regions.add(region);
  }

  /** Whether it was there. */
  delete(region: Region): boolean {
    return this.#regions.delete(region);
  }

  clear(): void {
    this.#regions.clear();
  }

  /** The oldest of exactly this length, once it has rested enough. */
  takeRested(byteLength: number): Region | undefined {
    let count = 0;
    for (const region of this.#regions) {
      if (region.byteLength !== byteLength || !restedEnough(++count, byteLength)) continue;
      return this.take((oldest) => oldest.byteLength === byteLength);
    }
    return undefined;
  }

  /** The oldest that suits, however short its rest. */
  take(suits: (region: Region) => boolean): Region | undefined {
    if (!this.#reused) return undefined;
    for (const region of this.#regions) {
      if (!suits(region)) continue;
      this.#regions.delete(region);
      return region;
    }
    return undefined;
  }

  /** The oldest, to be given back to the system. */
  takeOldest(): Region | undefined {
    for (const region of this.#regions) {
      this.#regions.delete(region);
      return region;
    }
    return undefined;
  }

  [Symbol.iterator](): Iterator<Region> {
    return this.#regions.values();
  }
}
