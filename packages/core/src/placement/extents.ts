import { writeCanary } from './fence.js';
import { Gap, type GapHost, type GapKeeper } from './gap.js';
import { CANARY_BYTE_LENGTH } from './size-classes.js';

/** Numbers for each place: where it begins, where it ends, and whether it was shown through a view. */
const FIELDS = 3;
/** A gap that is shorter than this, canary included, stays with the secret before it. */
const SPLIT_BYTE_LENGTH = 8 + CANARY_BYTE_LENGTH;

/**
 * What lies where in one mixed slab: places of any length, and the gaps between them. All of it is kept here, in ordinary
 * memory, so that every locked byte is payload, canary or free.
 */
export class Extents implements GapKeeper {
  /** Places there ever were; those that are free are used again. */
  count = 0;
  readonly #host: GapHost;
  readonly #freeIndices: number[] = [];
  #fields = new Int32Array(16 * FIELDS);
  readonly #startingAt = new Map<number, Gap>();
  readonly #endingAt = new Map<number, Gap>();

  constructor(host: GapHost) {
    this.#host = host;
  }

  fromOf(index: number): number {
    return this.#fields[index * FIELDS] as number;
  }

  toOf(index: number): number {
    return this.#fields[index * FIELDS + 1] as number;
  }

  show(index: number): void {
    this.#fields[index * FIELDS + 2] = 1;
  }

  get gapCount(): number {
    return this.#startingAt.size;
  }

  /** Bytes of all gaps, without canaries. */
  get gapByteLength(): number {
    let total = 0;
    for (const gap of this.#startingAt.values()) total += gap.byteLength;
    return total;
  }

  gaps(): IterableIterator<Gap> {
    return this.#startingAt.values();
  }

  /** A new gap. Precondition: what is there reads zero, and has a canary before it and after it. */
  addGap(from: number, to: number, shown: boolean): Gap {
    const gap = new Gap(this.#host, from, to, shown);
    this.#startingAt.set(from, gap);
    this.#endingAt.set(to, gap);
    return gap;
  }

  /** A place that is used, or out of use. */
  addPlace(from: number, to: number, shown: boolean): number {
    const index = this.#freeIndices.pop() ?? this.count++;
    this.#set(index, from, to, shown);
    return index;
  }

  /** The place is a gap from now on. Precondition: it reads zero. */
  leave(index: number): Gap {
    const shown = this.#fields[index * FIELDS + 2] === 1;
    this.#freeIndices.push(index);
    return this.addGap(this.fromOf(index), this.toOf(index), shown);
  }

  /** Makes a place of the head of a gap; `rest` is what remains of it. After a throw nothing has changed. */
  take(gap: Gap, byteLength: number): { readonly index: number; readonly rest: Gap | undefined } {
    const end = gap.from + ((byteLength + 7) & ~7);
    const to = gap.to - end >= SPLIT_BYTE_LENGTH ? end : gap.to;
    if (to < gap.to) writeCanary(this.#host.region, to);
    this.#deleteGap(gap);
    const index = this.addPlace(gap.from, to, gap.shown);
    const rest = to < gap.to ? this.addGap(to + CANARY_BYTE_LENGTH, gap.to, gap.shown) : undefined;
    return { index, rest };
  }

  /** A gap that only a canary parts from this one, and that suits. */
  neighbourOf(gap: Gap, suits: (other: Gap) => boolean): Gap | undefined {
    const before = this.#endingAt.get(gap.from - CANARY_BYTE_LENGTH);
    if (before !== undefined && suits(before)) return before;
    const after = this.#startingAt.get(gap.to + CANARY_BYTE_LENGTH);
    return after !== undefined && suits(after) ? after : undefined;
  }

  /**
   * One gap of two that lie side by side. Undefined, and both out of use until the slab is empty, where the canary between
   * them cannot be wiped.
   */
  join(one: Gap, other: Gap): Gap | undefined {
    const [first, second] = one.from < other.from ? [one, other] : [other, one];
    this.#deleteGap(first);
    this.#deleteGap(second);
    try {
      this.#host.region.wipe(first.to, CANARY_BYTE_LENGTH);
    } catch {
      return undefined;
    }
    return this.addGap(first.from, second.to, first.shown || second.shown);
  }

  #set(index: number, from: number, to: number, shown: boolean): void {
    const at = index * FIELDS;
    if (at + FIELDS > this.#fields.length) {
      const larger = new Int32Array(this.#fields.length * 2);
      larger.set(this.#fields);
      this.#fields = larger;
    }
    this.#fields[at] = from;
    this.#fields[at + 1] = to;
    this.#fields[at + 2] = shown ? 1 : 0;
  }

  #deleteGap(gap: Gap): void {
    this.#startingAt.delete(gap.from);
    this.#endingAt.delete(gap.to);
  }
}

/** A slab that is cut into slots of one length. */
export interface EvenSlab extends GapHost {
  readonly slotByteLength: number;
  /** Of each slot: 1 where it is free, and 2 more where it was shown. */
  slotStates(): Uint8Array;
}

/** The one gap of a region that reads zero, between canaries at its ends. */
export function beginExtents(slab: GapHost): Extents {
  const { region } = slab;
  const end = region.byteLength - CANARY_BYTE_LENGTH;
  writeCanary(region, 0);
  writeCanary(region, end);
  const extents = new Extents(slab);
  extents.addGap(CANARY_BYTE_LENGTH, end, region.shown);
  return extents;
}

/** The same of a slab that is cut evenly: its slots stay places, those that are free are gaps, and so is its tail. */
export function loosenedExtents(slab: EvenSlab): Extents {
  const { region, slotByteLength } = slab;
  const tail = slab.byteOffsetOf(slab.slotCount);
  const end = region.byteLength - CANARY_BYTE_LENGTH;
  if (end > tail) writeCanary(region, end);
  const extents = new Extents(slab);
  const states = slab.slotStates();
  for (const [i, state] of states.entries()) {
    const from = slab.byteOffsetOf(i);
    extents.addPlace(from, from + slotByteLength, (state & 2) !== 0);
  }
  for (const [i, state] of states.entries()) if ((state & 1) !== 0) extents.leave(i);
  if (end > tail) extents.addGap(tail, end, region.shown);
  return extents;
}

/** The most bytes that one new secret could have in an even slab, once it is loosened. */
export function longestRun(slab: EvenSlab): number {
  const states = slab.slotStates();
  const isFree = (index: number): boolean => ((states[index] ?? 0) & 1) !== 0;
  let longest = 0;
  let start = -1;
  for (let i = 0; i <= slab.slotCount; i++) {
    const isTail = i === slab.slotCount;
    if (start < 0 && (isTail || isFree(i))) start = slab.byteOffsetOf(i);
    if (start < 0 || isFree(i)) continue;
    const end = isTail ? slab.region.byteLength : slab.byteOffsetOf(i);
    longest = Math.max(longest, end - CANARY_BYTE_LENGTH - start);
    start = -1;
  }
  return longest;
}
