import type { CanaryFinding } from '../telemetry/events.js';
import { CANARY } from './canary.js';
import { beginExtents, type Extents, loosenedExtents } from './extents.js';
import { examineFence, isSlackZero, repairFence, writeCanaries } from './fence.js';
import type { Gap, GapHost } from './gap.js';
import { PlaceHost } from './place-host.js';
import type { Region } from './region.js';
import { ShownSlots } from './shown-slots.js';
import { CANARY_BYTE_LENGTH, slotsPerSlab } from './size-classes.js';

const GENERATION_MAX = 0x3fff_fffd;
/** In bytes. Beyond it a call of `fill` is quicker than a loop. */
const WIPED_IN_LOOP_MAX = 256;

/** The class of a slab in which lengths are mixed. */
export const MIXED = 0;

/** What a slab tells the pool that owns it. */
export interface SlabOwner {
  /** A slab that was full has a free slot again. */
  onSlotFree(slab: Slab): void;
  /** A slot that was shown through a view is free again. */
  onSlotResting(slab: Slab): void;
  /** A secret of a mixed slab left a gap. */
  onGap(gap: Gap): void;
  /** The last secret of a slab went. Quarantined slots may remain. */
  onEmpty(slab: Slab): void;
}

/**
 * A region that several secrets share. It is cut into even slots of one class, or mixed: cut into places of any length, as
 * they are asked for. An even slab can be loosened, and is mixed from then on; what lives in it stays where it is.
 */
export class Slab extends PlaceHost implements GapHost {
  /** The length of its slots in steps of 8 bytes, and in bytes; `MIXED` and 0 where lengths are mixed. */
  classIndex: number;
  slotByteLength: number;
  /** What lies where, where lengths are mixed. */
  extents: Extents | undefined = undefined;
  /** Position in the pool's list of slabs with free slots, -1 when not listed; how often that of resting slots names it. */
  listIndex = -1;
  restingEntries = 0;
  /** Gives out no more slots; and it does so for somebody who waits. */
  closedToNew = false;
  reserved = false;
  readonly #strideByteLength: number;
  readonly #owner: SlabOwner;
  /** The first of the free slots, each of which names the next; -1 at the end. The last to come is the first to go. */
  #firstFree = -1;
  /** Slots that were shown through a view, which are in a list of their own when they are free. */
  #shown: ShownSlots | undefined;

  /** Cuts a region: writes the canaries. The region must read zero. */
  constructor(region: Region, classIndex: number, owner: SlabOwner) {
    const slots = classIndex === MIXED ? 0 : slotsPerSlab(region.byteLength, classIndex * 8);
    super(region, 'pooled', slots);
    this.classIndex = classIndex;
    this.slotByteLength = classIndex * 8;
    this.#strideByteLength = this.slotByteLength + CANARY_BYTE_LENGTH;
    this.#owner = owner;
    if (classIndex === MIXED) this.extents = beginExtents(this);
    else this.#cut();
  }

  /** Whether it has a free slot that was never shown. */
  get hasFree(): boolean {
    return this.#firstFree >= 0 && !this.closedToNew;
  }

  /** Free slots that were shown through a view. */
  get resting(): number {
    return this.#shown === undefined ? 0 : this.#shown.resting;
  }

  /** Slots that can be taken; of a mixed slab its gaps. */
  get freeSlots(): number {
    if (this.closedToNew) return 0;
    return this.extents?.gapCount ?? this.slotCount - this.live - this.quarantined;
  }

  /** Bytes that can be taken, without canaries. */
  get freeByteLength(): number {
    if (this.closedToNew || this.extents === undefined) return this.freeSlots * this.slotByteLength;
    return this.extents.gapByteLength;
  }

  /** Bytes behind the last slot and its canary, of an even slab. */
  get tailByteLength(): number {
    return this.region.byteLength - this.#slotOffset(this.slotCount);
  }

  byteOffsetOf(index: number): number {
    return this.extents?.fromOf(index) ?? this.#slotOffset(index);
  }

  /** Bytes that a place has, content and slack. */
  capacityOf(index: number): number {
    const { extents } = this;
    return extents === undefined
      ? this.slotByteLength
      : extents.toOf(index) - extents.fromOf(index);
  }

  /** Takes a free slot that was never shown, and reads zero; -1 where there is none. Precondition: it is open, and even. */
  take(byteLength: number): number {
    const index = this.#firstFree;
    if (index < 0) return -1;
    this.#firstFree = this.notes[index * 3 + 2] as number;
    this.beginUse(index, byteLength);
    return index;
  }

  /** Takes the slot that has rested for longest, which reads zero. Precondition: one rests. */
  takeResting(byteLength: number): number {
    const index = (this.#shown as ShownSlots).take();
    this.beginUse(index, byteLength);
    return index;
  }

  takeGap(gap: Gap, byteLength: number): ReturnType<GapHost['takeGap']> {
    const extents = this.extents as Extents;
    const taken = extents.take(gap, byteLength);
    this.growTo(extents.count);
    this.beginUse(taken.index, byteLength);
    return taken;
  }

  /**
   * Lets an even slab be mixed from now on; what can be taken is in its gaps. After a throw nothing has changed. Precondition:
   * it is in no list of the pool.
   */
  loosen(): void {
    this.extents = loosenedExtents(this);
    this.classIndex = MIXED;
    this.slotByteLength = 0;
    this.#firstFree = -1;
    this.#shown = undefined;
  }

  /** Of each slot of an even slab: 1 where it is free, and 2 more where it was shown. */
  slotStates(): Uint8Array {
    const states = new Uint8Array(this.slotCount).map((_, i) => (this.#shown?.has(i) ? 2 : 0));
    for (let i = this.#firstFree; i >= 0; i = this.notes[i * 3 + 2] as number) states[i] = 1;
    for (const i of this.#shown ?? []) states[i] = 3;
    return states;
  }

  override show(index: number): void {
    super.show(index);
    if (this.extents !== undefined) {
      this.extents.show(index);
      return;
    }
    this.#shown ??= new ShownSlots(this.notes);
    this.#shown.add(index);
  }

  examine(index: number): CanaryFinding | undefined {
    const from = this.byteOffsetOf(index);
    return examineFence(this.region, from, from + this.capacityOf(index), this.byteLengthOf(index));
  }

  repair(index: number): void {
    const from = this.byteOffsetOf(index);
    repairFence(this.region, from, from + this.capacityOf(index), this.byteLengthOf(index));
  }

  release(index: number): CanaryFinding | undefined {
    if (!this.#wipeIntact(index)) return this.#examineAndRelease(index);
    this.#freeSlot(index, this.#vacate(index));
    return undefined;
  }

  quarantine(index: number): void {
    try {
      this.region.wipe(this.byteOffsetOf(index), this.capacityOf(index));
    } finally {
      this.#vacate(index);
      this.quarantined++;
    }
  }

  readmit(index: number): void {
    this.region.wipe(this.byteOffsetOf(index), this.capacityOf(index));
    this.quarantined--;
    this.#free(index);
  }

  /** Whether a new secret of this length would be given just so much room. */
  fits(index: number, byteLength: number): boolean {
    const slack = this.capacityOf(index) - ((byteLength + 7) & ~7);
    return slack === 0 || (slack === 8 && this.extents !== undefined);
  }

  setByteLength(index: number, byteLength: number): boolean {
    if (byteLength > this.capacityOf(index)) return false;
    const before = this.byteLengthOf(index);
    if (byteLength < before) {
      this.region.wipe(this.byteOffsetOf(index) + byteLength, before - byteLength);
    }
    this.notes[index * 3 + 1] = byteLength;
    return true;
  }

  /**
   * The common case of a release: core sees the slab, the slot is short, and all around its content is as it must be. True
   * when the slot is wiped now; otherwise nothing in it has changed. Steps of eight bytes take 10 % off allocating and disposing.
   */
  #wipeIntact(index: number): boolean {
    const { slotByteLength } = this;
    const { region } = this;
    const doubles = region.doubles();
    // Unsigned: the 0 of a mixed slab is told by the same comparison.
    if (doubles === undefined || (slotByteLength - 1) >>> 0 >= WIPED_IN_LOOP_MAX) return false;
    if (this.condemned !== undefined) return false;
    const start = (CANARY_BYTE_LENGTH + index * this.#strideByteLength) >>> 3;
    const end = start + (slotByteLength >>> 3);
    if (doubles[start - 1] !== CANARY || doubles[end] !== CANARY) return false;
    if (this.byteLengthOf(index) < slotByteLength && !this.#slackIsZero(index)) return false;
    for (let i = start; i < end; i++) doubles[i] = 0;
    return true;
  }

  /** Every other case: a finding, a long slot, or a slab that core does not see and asks the backend about. */
  #examineAndRelease(index: number): CanaryFinding | undefined {
    let finding: CanaryFinding | undefined;
    try {
      try {
        finding = this.examine(index);
      } finally {
        // What cannot be examined is wiped all the same.
        this.region.wipe(this.byteOffsetOf(index), this.byteLengthOf(index));
      }
      if (finding !== undefined) this.repair(index);
    } catch (error) {
      this.#vacate(index);
      this.quarantined++;
      throw error;
    }
    this.#vacate(index);
    if (finding !== undefined || this.condemned?.delete(index)) this.quarantined++;
    else this.#free(index);
    return finding;
  }

  #free(index: number): void {
    const generation = this.generationOf(index);
    const gap = generation >= GENERATION_MAX ? undefined : this.extents?.leave(index);
    if (gap === undefined) this.#freeSlot(index, generation);
    else if (!this.closedToNew) this.#owner.onGap(gap);
  }

  #freeSlot(index: number, generation: number): void {
    if (generation >= GENERATION_MAX) this.quarantined++;
    else if (this.#shown?.has(index)) {
      this.#rest(index);
      if (!this.closedToNew) this.#owner.onSlotResting(this);
    } else {
      this.#pushFree(index);
      if (this.listIndex < 0 && !this.closedToNew) this.#owner.onSlotFree(this);
    }
  }

  #rest(index: number): void {
    this.show(index);
    (this.#shown as ShownSlots).rest(index);
  }

  #pushFree(index: number): void {
    this.notes[index * 3 + 2] = this.#firstFree;
    this.#firstFree = index;
  }

  #slotOffset(index: number): number {
    return CANARY_BYTE_LENGTH + index * this.#strideByteLength;
  }

  /** Ends a use, and returns the generation of the slot from now on. */
  #vacate(index: number): number {
    const generation = this.endUse(index);
    if (this.live === 0) this.#owner.onEmpty(this);
    return generation;
  }

  #slackIsZero(index: number): boolean {
    const words = this.region.words('read-only');
    const start = this.#slotOffset(index) >>> 2;
    const end = start + (this.slotByteLength >>> 2);
    return words !== undefined && isSlackZero(words, start, end, this.byteLengthOf(index));
  }

  /** All slots are free, those of a region that was shown after all others. */
  #cut(): void {
    const { region, slotCount } = this;
    if (region.shown) for (let i = 0; i < slotCount; i++) this.#rest(i);
    else for (let i = slotCount - 1; i >= 0; i--) this.#pushFree(i);
    writeCanaries(region, this.#strideByteLength, slotCount + 1);
  }
}
