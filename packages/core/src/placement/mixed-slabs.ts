import type { Gap } from './gap.js';
import { Gaps } from './gaps.js';
import { strideOf } from './size-classes.js';
import type { Slab } from './slab.js';

/**
 * The free bytes of the slabs in which secrets of any length lie side by side.
 *
 * What becomes free is joined with its free neighbours when the next request does not find its exact length: allocating and
 * disposing one length over and over changes no canary.
 */
export class MixedSlabs {
  readonly #gaps: Gaps;
  /** Gaps that may have neighbours to be joined with. */
  #fresh: Gap[] = [];
  /** Those that were shown, which are joined only where nothing else is to be had. */
  #freshShown: Gap[] = [];

  /** Precondition: no secret of more than `byteLengthMax` bytes is looked for. */
  constructor(byteLengthMax: number) {
    this.#gaps = new Gaps(byteLengthMax);
  }

  /** Bytes that are free, one canary with each gap. */
  get byteLength(): number {
    return this.#gaps.byteLength;
  }

  get hasShown(): boolean {
    return this.#gaps.shownByteLength > 0;
  }

  /** From now on the gap can be taken. */
  add(gap: Gap): void {
    this.#gaps.add(gap);
    if (gap.shown) this.#freshShown = this.#withFresh(this.#freshShown, gap);
    else this.#fresh = this.#withFresh(this.#fresh, gap);
  }

  /** None of its gaps can be taken any more. */
  close(slab: Slab): void {
    for (const gap of slab.extents?.gaps() ?? []) this.#gaps.delete(gap);
  }

  open(slab: Slab): void {
    for (const gap of slab.extents?.gaps() ?? []) if (gap.position < 0) this.add(gap);
  }

  /** The best fit that was never shown, or the longest free of enough that were. */
  find(eighths: number): Gap | undefined {
    const exact = this.#gaps.exact(eighths);
    if (exact !== undefined) return exact;
    this.#joinFresh();
    return this.#gaps.best(eighths) ?? this.#gaps.rested(eighths);
  }

  /** The longest free of those that were shown, however short its rest. */
  findShown(eighths: number): Gap | undefined {
    return this.#gaps.oldest(eighths);
  }

  /** Joins whatever lies side by side, shown or not. */
  joinAll(): void {
    this.#joinFresh();
    const fresh = this.#freshShown;
    this.#freshShown = [];
    for (const gap of fresh) this.#join(gap, true);
  }

  /** Whether a secret of this length may find a place here; yes too often where free bytes are parted by secrets. */
  mayHold(eighths: number): boolean {
    this.#joinFresh();
    if (this.#gaps.best(eighths) !== undefined) return true;
    return this.hasShown && this.#gaps.byteLength >= strideOf(eighths);
  }

  /** Takes the head of a gap, and returns the place. The rest of it is a gap again. */
  take(gap: Gap, byteLength: number): number {
    const { index, rest } = gap.host.takeGap(gap, byteLength);
    this.#gaps.delete(gap);
    if (rest !== undefined) this.add(rest);
    return index;
  }

  /** Without those that were taken since, once they are the most: one length that comes and goes is joined with nothing for ever. */
  #withFresh(fresh: Gap[], gap: Gap): Gap[] {
    const kept =
      fresh.length < 2 * this.#gaps.count + 64
        ? fresh
        : fresh.filter(({ position }) => position >= 0);
    kept.push(gap);
    return kept;
  }

  #joinFresh(): void {
    if (this.#fresh.length === 0) return;
    const fresh = this.#fresh;
    this.#fresh = [];
    for (const gap of fresh) this.#join(gap, false);
  }

  #join(fresh: Gap, shownToo: boolean): void {
    let gap = fresh;
    for (;;) {
      if (gap.position < 0) return;
      const neighbour = gap.host.extents?.neighbourOf(
        gap,
        (other) => other.position >= 0 && (shownToo || other.shown === gap.shown),
      );
      if (neighbour === undefined) return;
      this.#gaps.delete(gap);
      this.#gaps.delete(neighbour);
      const joined = gap.host.extents?.join(gap, neighbour);
      if (joined === undefined) return;
      this.#gaps.add(joined);
      gap = joined;
    }
  }
}
