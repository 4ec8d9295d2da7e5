import type { CanaryFinding } from '../telemetry/events.js';
import { CANARY, CANARY_HIGH, CANARY_LOW, canaryBytes } from './canary.js';
import { PlaceHost } from './place-host.js';
import type { Region } from './region.js';
import { ShownSlots } from './shown-slots.js';
import { CANARY_BYTE_LENGTH, slotsPerSlab } from './size-classes.js';

const GENERATION_MAX = 0x3fff_fffd;
/** In bytes. Beyond it a call of `fill` is quicker than a loop. */
const WIPED_IN_LOOP_MAX = 256;
const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** What a slab tells the pool that owns it. */
export interface SlabOwner {
  /** A slab that was full has a free slot again. */
  onSlotFree(slab: Slab): void;
  /** A slot that was shown through a view is free again. */
  onSlotResting(slab: Slab): void;
  /** The last secret of a slab went. Quarantined slots may remain. */
  onEmpty(slab: Slab): void;
}

/** A region cut into slots of one size class. */
export class Slab extends PlaceHost {
  readonly classIndex: number;
  readonly slotByteLength: number;
  /** Position in the pool's list of slabs with free slots; -1 when not listed. */
  listIndex = -1;
  /** Gives out no more slots. */
  closedToNew = false;
  /** How often the pool's list of resting slots names it. */
  restingEntries = 0;

  readonly #strideByteLength: number;
  readonly #owner: SlabOwner;
  /** The first of the free slots, each of which names the next; -1 at the end. The last to come is the first to go. */
  #firstFree = -1;
  /** Slots that were shown through a view, which are in a list of their own when they are free. */
  #shown: ShownSlots | undefined;

  /** Cuts a region: writes the canaries. The region must read zero. */
  constructor(region: Region, classIndex: number, slotByteLength: number, owner: SlabOwner) {
    super(region, 'pooled', slotsPerSlab(region.byteLength, slotByteLength));
    this.classIndex = classIndex;
    this.slotByteLength = slotByteLength;
    this.#strideByteLength = slotByteLength + CANARY_BYTE_LENGTH;
    this.#owner = owner;
    if (region.shown) for (let i = 0; i < this.slotCount; i++) this.#rest(i);
    else for (let i = this.slotCount - 1; i >= 0; i--) this.#pushFree(i);
    this.#writeCanaries(0, this.slotCount);
  }

  /** Whether it has a free slot that was never shown. */
  get hasFree(): boolean {
    return this.#firstFree >= 0 && !this.closedToNew;
  }

  /** Free slots that were shown through a view. */
  get resting(): number {
    return this.#shown === undefined ? 0 : this.#shown.resting;
  }

  get freeSlots(): number {
    return this.closedToNew ? 0 : this.slotCount - this.live - this.quarantined;
  }

  byteOffsetOf(index: number): number {
    return CANARY_BYTE_LENGTH + index * this.#strideByteLength;
  }

  /** Takes a free slot that was never shown, and reads zero; -1 where there is none. Precondition: it is open. */
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

  override show(index: number): void {
    super.show(index);
    this.#shown ??= new ShownSlots(this.notes);
    this.#shown.add(index);
  }

  examine(index: number): CanaryFinding | undefined {
    const byteLength = this.byteLengthOf(index);
    const words = this.region.words('read-only');
    if (words !== undefined) {
      return this.#findingIn(words, this.byteOffsetOf(index) >>> 2, byteLength);
    }
    return this.#findingIn(this.#copyOf(index), CANARY_BYTE_LENGTH >>> 2, byteLength);
  }

  repair(index: number): void {
    this.#writeCanaries(index, index + 1);
    this.#wipe(index, this.byteLengthOf(index), this.slotByteLength);
  }

  release(index: number): CanaryFinding | undefined {
    if (!this.#wipeIntact(index)) return this.#examineAndRelease(index);
    this.#free(index, this.#vacate(index));
    return undefined;
  }

  quarantine(index: number): void {
    try {
      this.#wipe(index, 0, this.slotByteLength);
    } finally {
      this.#vacate(index);
      this.quarantined++;
    }
  }

  readmit(index: number): void {
    this.#wipe(index, 0, this.slotByteLength);
    this.quarantined--;
    this.#free(index);
  }

  setByteLength(index: number, byteLength: number): boolean {
    if (byteLength > this.slotByteLength) return false;
    const before = this.byteLengthOf(index);
    if (byteLength < before) this.#wipe(index, byteLength, before);
    this.notes[index * 3 + 1] = byteLength;
    return true;
  }

  get #slotWords(): number {
    return this.slotByteLength >>> 2;
  }

  /**
   * The common case of a release: core sees the slab, the slot is short, and all around its content is as it must be. True
   * when the slot is wiped now; otherwise nothing in it has changed.
   *
   * Steps of eight bytes, since half as many as with words take 10 % off allocating and disposing 32 bytes.
   */
  #wipeIntact(index: number): boolean {
    const { slotByteLength } = this;
    const { region } = this;
    const doubles = region.doubles();
    if (doubles === undefined || slotByteLength > WIPED_IN_LOOP_MAX) return false;
    if (this.condemned !== undefined) return false;
    const start = this.byteOffsetOf(index) >>> 3;
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
        this.#wipe(index, 0, this.byteLengthOf(index));
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

  #free(index: number, generation = this.generationOf(index)): void {
    if (generation >= GENERATION_MAX) {
      this.quarantined++;
      return;
    }
    if (this.#shown?.has(index)) {
      this.#rest(index);
      if (!this.closedToNew) this.#owner.onSlotResting(this);
      return;
    }
    this.#pushFree(index);
    if (this.listIndex < 0 && !this.closedToNew) this.#owner.onSlotFree(this);
  }

  #rest(index: number): void {
    this.show(index);
    (this.#shown as ShownSlots).rest(index);
  }

  #pushFree(index: number): void {
    this.notes[index * 3 + 2] = this.#firstFree;
    this.#firstFree = index;
  }

  /** Ends a use, and returns the generation of the slot from now on. */
  #vacate(index: number): number {
    const generation = this.endUse(index);
    if (this.live === 0) this.#owner.onEmpty(this);
    return generation;
  }

  #findingIn(words: Int32Array, start: number, byteLength: number): CanaryFinding | undefined {
    const end = start + this.#slotWords;
    const before = words[start - 2] !== CANARY_LOW || words[start - 1] !== CANARY_HIGH;
    const after =
      words[end] !== CANARY_LOW ||
      words[end + 1] !== CANARY_HIGH ||
      !isSlackZero(words, start, end, byteLength);
    return before || after ? { before, after } : undefined;
  }

  /** Words and not doubles: to a double, the one bit of -0 is nothing. */
  #slackIsZero(index: number): boolean {
    const words = this.region.words('read-only');
    const start = this.byteOffsetOf(index) >>> 2;
    const end = start + this.#slotWords;
    return words !== undefined && isSlackZero(words, start, end, this.byteLengthOf(index));
  }

  /** A slot with the canaries around it, copied through the backend; without the content, which is never copied. */
  #copyOf(index: number): Int32Array {
    const { region, slotByteLength } = this;
    const copy = new Uint8Array(new ArrayBuffer(slotByteLength + 2 * CANARY_BYTE_LENGTH));
    const used = this.byteLengthOf(index);
    const start = this.byteOffsetOf(index);
    region.read(start - CANARY_BYTE_LENGTH, copy.subarray(0, CANARY_BYTE_LENGTH));
    region.read(start + used, copy.subarray(CANARY_BYTE_LENGTH + used));
    return new Int32Array(copy.buffer);
  }

  #wipe(index: number, from: number, to: number): void {
    this.region.wipe(this.byteOffsetOf(index) + from, to - from);
  }

  /** Writes the canary before slot `from`, and the one after each slot up to `to`. */
  #writeCanaries(from: number, to: number): void {
    const { region } = this;
    const words = region.words('read-write');
    const canary = words === undefined ? canaryBytes() : undefined;
    for (let i = from; i <= to; i++) {
      const byteOffset = i * this.#strideByteLength;
      if (words === undefined) {
        region.write(byteOffset, canary as Uint8Array);
      } else {
        words[byteOffset >>> 2] = CANARY_LOW;
        words[(byteOffset >>> 2) + 1] = CANARY_HIGH;
      }
    }
  }
}

/** Whether nothing was written between the end of the content and the end of the slot. */
function isSlackZero(words: Int32Array, start: number, end: number, byteLength: number): boolean {
  let slack = start + (byteLength >>> 2);
  const partial = (byteLength & 3) * 8;
  if (partial > 0) {
    const mask = LITTLE_ENDIAN ? -1 << partial : -1 >>> partial;
    if (((words[slack++] as number) & mask) !== 0) return false;
  }
  for (; slack < end; slack++) if (words[slack] !== 0) return false;
  return true;
}
