import type { CanaryFinding } from '../telemetry/events.js';
import type { Region } from './region.js';

/** How a secret is placed: in a slot of a shared slab, or in a region of its own. */
export type Route = 'pooled' | 'own';

/** One secret's memory: which slot of which host, and which use of that slot. */
export interface Place {
  readonly host: PlaceHost;
  readonly index: number;
}

/** Tells who came before some moment, and who after it. */
let epoch = 0;

/** Whoever comes from now on belongs to a new epoch, whose number this is. */
export function startEpoch(): number {
  return ++epoch;
}

/**
 * Whatever holds secrets: a slab with many slots, or an own region with one. Bookkeeping is kept here, in ordinary
 * memory, so that every locked byte is payload or canary.
 *
 * A slot's generation is odd while it is in use and grows by one at each taking and each release, so a handle that
 * remembers the generation it was born with can tell for ever whether the slot is still its own. After 2^29 uses of one
 * slot the slot is not used again.
 */
export abstract class PlaceHost {
  readonly region: Region;
  readonly route: Route;
  /** Slots there are, or ever were where lengths are mixed. */
  slotCount: number;
  /** Slots that hold a secret now. */
  live = 0;
  /** Slots that will not be used again, or not before a view over them is garbage. */
  quarantined = 0;

  /** Slots whose surroundings were found damaged while they were in use: not used again after their release. */
  condemned: Set<number> | undefined = undefined;

  /**
   * Three numbers for each slot, side by side: its generation, the bytes in use of it, and while it is in use the epoch of its
   * secret, otherwise the free slot behind it in the list of a slab. Three arrays would mean three bounds checks on every allocate and dispose.
   */
  protected notes: Int32Array;

  constructor(region: Region, route: Route, slotCount: number) {
    this.region = region;
    this.route = route;
    this.slotCount = slotCount;
    this.notes = new Int32Array(slotCount * 3);
  }

  /** Where the content of a slot begins, in bytes from the start of the region. */
  abstract byteOffsetOf(index: number): number;

  /** Looks at the canaries and the slack of a slot. Undefined when all is as it must be. */
  abstract examine(index: number): CanaryFinding | undefined;

  /** Writes the canaries around a slot anew, after damage was reported. */
  abstract repair(index: number): void;

  /**
   * Wipes the slot and ends its use. Returns the finding when its surroundings were damaged: then it is wiped all the
   * same, the canaries are written anew and the slot is not used again. After a throw (the backend could not wipe) the
   * use has ended as well, and the slot is not used again.
   */
  abstract release(index: number): CanaryFinding | undefined;

  /** Wipes the slot and ends its use, also where it throws, but keeps it out of use: something may still show it. */
  abstract quarantine(index: number): void;

  /** Puts a quarantined slot back into use: nothing shows it any more. */
  abstract readmit(index: number): void;

  /**
   * Changes the length of a secret where it lies: bytes that are cut off read zero, bytes that are added too. False, and
   * nothing changed, when it does not fit here.
   */
  abstract setByteLength(index: number, byteLength: number): boolean;

  /** A view of the slot is given to the program, which may hand it to whom it likes. */
  show(_index: number): void {
    this.region.shown = true;
  }

  generationOf(index: number): number {
    return this.notes[index * 3] as number;
  }

  /** When its secret came. Precondition: it is in use. */
  epochOf(index: number): number {
    return this.notes[index * 3 + 2] as number;
  }

  /** Bytes in use of a slot. */
  byteLengthOf(index: number): number {
    return this.notes[index * 3 + 1] as number;
  }

  /** The lengths of its secrets, in bytes. */
  *lengths(): Generator<number> {
    for (let i = 0; i < this.slotCount; i++) if (this.isUsed(i)) yield this.byteLengthOf(i);
  }

  isLive(index: number, generation: number): boolean {
    return this.generationOf(index) === generation;
  }

  isUsed(index: number): boolean {
    return (this.generationOf(index) & 1) === 1;
  }

  /** Ends every use at once: its handles are disposed from now on. The bytes are wiped by the caller. */
  endAll(): void {
    const { notes } = this;
    for (let i = this.slotCount * 3 - 3; i >= 0; i -= 3) {
      notes[i] = (notes[i] as number) + ((notes[i] as number) & 1);
    }
    this.live = 0;
  }

  /** From now on there are at least so many slots. */
  protected growTo(slotCount: number): void {
    if (slotCount <= this.slotCount) return;
    this.slotCount = slotCount;
    if (slotCount * 3 <= this.notes.length) return;
    const larger = new Int32Array(Math.max(this.notes.length * 2, slotCount * 3, 48));
    larger.set(this.notes);
    this.notes = larger;
  }

  /** A slot that nobody uses is used now. */
  protected beginUse(index: number, byteLength: number): void {
    const { notes } = this;
    (notes[index * 3] as number)++;
    notes[index * 3 + 1] = byteLength;
    notes[index * 3 + 2] = epoch;
    this.live++;
  }

  /** Returns the generation of the slot from now on. */
  protected endUse(index: number): number {
    const generation = this.generationOf(index) + 1;
    this.notes[index * 3] = generation;
    this.live--;
    return generation;
  }
}
