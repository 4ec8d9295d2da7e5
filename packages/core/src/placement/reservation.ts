import type { MemoryBackend } from '../contract/backend.js';
import { type PlaceHost, startEpoch } from './place-host.js';
import type { Sharing } from './sharing.js';
import { CANARY_BYTE_LENGTH } from './size-classes.js';
import { MIXED, Slab } from './slab.js';
import type { SlabPool } from './slab-pool.js';

/** Where the places of a request are. */
export interface Room {
  readonly pool: SlabPool;
  readonly sharing: Sharing;
  readonly backend: MemoryBackend;
  ownByteLength(byteLength: number): number;
}

/**
 * Slabs that are kept for the first in the queue, so that those who come later cannot keep it waiting for ever: no place in them is
 * given to anybody else. It keeps as many as it needs, and leaves the others to all.
 *
 * A slab that does not run empty helps nobody while it is kept. Where nothing was released for a while, or as many secrets elsewhere as
 * there were, and none in the kept slabs, these are opened to all, each until the secrets that were there by then have gone. The
 * next time they are kept for twice as long.
 */
export class Reservation {
  /** Secrets that it will make. */
  readonly count: number;
  readonly #pool: SlabPool;
  readonly #pageByteLength: number;
  readonly #slotsWanted: number[] = [];
  readonly #ownByteLengthWanted: number;
  /** Slots that no slab is kept for, the longest first; and bytes of whole regions. */
  #slots: number[] = [];
  #ownByteLength = 0;
  readonly #kept = new Set<Slab>();
  /** Slabs that did not run empty. Whoever was there by then came before this epoch. */
  readonly #stuck = new Map<Slab, number>();
  /** Something was released since the last look at the clock; and at how many looks in a row nothing was. */
  #moved = false;
  #still = 0;
  /** Releases elsewhere since the last one in a kept slab. */
  #elsewhere = 0;
  /** How many of both are borne. */
  #stillMax = 1;
  #elsewhereMax: number;

  /** `freeByteLength` bytes of regions can be had without any slab. */
  constructor(byteLengths: readonly number[], room: Room, freeByteLength: number) {
    this.count = byteLengths.length;
    this.#pool = room.pool;
    this.#pageByteLength = room.backend.pageByteLength;
    let own = -freeByteLength;
    for (const byteLength of byteLengths) {
      const classIndex = room.sharing.classOf(byteLength);
      if (classIndex === undefined) own += room.ownByteLength(byteLength);
      else this.#slotsWanted.push(classIndex * 8);
    }
    this.#slotsWanted.sort((a, b) => b - a);
    this.#ownByteLengthWanted = own;
    this.#elsewhereMax = 1;
    for (const { live } of room.pool.slabs) this.#elsewhereMax += live;
    this.#plan();
  }

  /** A secret of this host has gone. */
  look(host: PlaceHost): void {
    this.#moved = true;
    if (!(host instanceof Slab) || !this.#kept.has(host)) {
      if (++this.#elsewhere >= this.#elsewhereMax) this.#openStuck();
      else if (host instanceof Slab) this.#keep(host);
    } else this.#elsewhere = 0;
  }

  /** Called by the clock, at intervals in which a secret that is used in passing comes and goes. */
  tick(): void {
    this.#still = this.#moved ? 0 : this.#still + 1;
    this.#moved = false;
    if (this.#still >= this.#stillMax) this.#openStuck();
  }

  #openStuck(): void {
    this.#still = 0;
    this.#elsewhere = 0;
    const stuck = [...this.#kept].filter(({ live }) => live > 0);
    if (stuck.length === 0) return;
    this.#stillMax *= 2;
    this.#elsewhereMax *= 2;
    for (const slab of stuck) this.#stuck.set(slab, startEpoch());
    this.#plan();
  }

  /** Whoever it is kept for may take what is kept during `attempt`. */
  lent<T>(attempt: () => T): T {
    for (const slab of this.#kept) this.#open(slab);
    try {
      return attempt();
    } finally {
      for (const slab of this.#kept) {
        if (this.#pool.slabs.has(slab)) this.#reserve(slab);
        else this.#kept.delete(slab);
      }
    }
  }

  end(): void {
    for (const slab of this.#kept) this.#open(slab);
    this.#kept.clear();
  }

  #reserve(slab: Slab): void {
    slab.reserved = true;
    this.#pool.close(slab);
  }

  #open(slab: Slab): void {
    slab.reserved = false;
    const { pinned, losses } = slab.region;
    if (this.#pool.slabs.has(slab) && pinned === 0 && losses === undefined) this.#pool.reopen(slab);
  }

  /** Chooses anew: those that are emptiest first. */
  #plan(): void {
    this.end();
    this.#slots = [...this.#slotsWanted];
    this.#ownByteLength = this.#ownByteLengthWanted;
    for (const slab of [...this.#pool.slabs].sort((a, b) => a.live - b.live)) this.#keep(slab);
  }

  /** Keeps a slab if that helps. */
  #keep(slab: Slab): void {
    if (this.#slots.length === 0 && this.#ownByteLength <= 0) return;
    if (slab.closedToNew || slab.quarantined > 0 || !this.#pool.slabs.has(slab)) return;
    const inTheWay = this.#inTheWay(slab);
    if (inTheWay.length === 0 && this.#ownByteLength > 0) {
      this.#ownByteLength -= slab.region.byteLength;
    } else if (!this.#fillFrom(slab, inTheWay)) return;
    this.#kept.add(slab);
    this.#reserve(slab);
  }

  /** The places of secrets that are there to stay, as far as anybody knows. */
  #inTheWay(slab: Slab): number[] {
    const epoch = this.#stuck.get(slab);
    const places: number[] = [];
    if (epoch === undefined) return places;
    for (let i = 0; i < slab.slotCount; i++) {
      if (slab.isUsed(i) && slab.epochOf(i) < epoch) places.push(i);
    }
    return places;
  }

  /** Takes off what the slab would have room for beside those that stay; false where that is nothing. */
  #fillFrom(slab: Slab, inTheWay: readonly number[]): boolean {
    const before = this.#slots.length;
    if (
      slab.classIndex !== MIXED &&
      slab.region.byteLength > this.#pageByteLength &&
      inTheWay.length > 0
    ) {
      // It is never loosened, so its slots alone count.
      let free = slab.slotCount - inTheWay.length;
      this.#slots = this.#slots.filter((slot) => slot !== slab.slotByteLength || free-- <= 0);
    } else {
      const runs = runsBetween(slab, inTheWay);
      this.#slots = this.#slots.filter((slot) => !takeRun(runs, slot));
    }
    return this.#slots.length < before;
  }
}

/** The lengths of what lies between these places, canaries left out. */
function runsBetween(slab: Slab, indices: readonly number[]): number[] {
  const places = indices.map((i) => [slab.byteOffsetOf(i), slab.capacityOf(i)] as const);
  places.sort(([a], [b]) => a - b);
  const runs: number[] = [];
  let from = CANARY_BYTE_LENGTH;
  for (const [byteOffset, byteLength] of places) {
    runs.push(byteOffset - CANARY_BYTE_LENGTH - from);
    from = byteOffset + byteLength + CANARY_BYTE_LENGTH;
  }
  runs.push(slab.region.byteLength - CANARY_BYTE_LENGTH - from);
  return runs;
}

/** Takes a slot off the first run that holds it. */
function takeRun(runs: number[], slotByteLength: number): boolean {
  const i = runs.findIndex((run) => run >= slotByteLength);
  if (i < 0) return false;
  runs[i] = (runs[i] as number) - slotByteLength - CANARY_BYTE_LENGTH;
  return true;
}
