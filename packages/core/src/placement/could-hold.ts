import { OwnRegion } from './own-region.js';
import type { PlaceHost } from './place-host.js';
import type { Placement } from './placement.js';
import type { Region } from './region.js';
import { CANARY_BYTE_LENGTH, strideOf } from './size-classes.js';
import { Slab } from './slab.js';

/**
 * Whether regions that are mapped could hold a set by themselves once all that lives in them has gone. Where the limit was
 * lowered under them nothing new may be mapped, and what is released serves whoever waits all the same.
 *
 * Says yes too often where several would need one region, or where secrets would have to be parted otherwise; says no only
 * where it never fits.
 */
export function couldHold(placement: Placement, byteLengths: readonly number[]): boolean {
  const { sharing } = placement;
  const alone = new Map<number, number>();
  let shared = 0;
  let longest = 0;
  for (const byteLength of byteLengths) {
    const classIndex = sharing.classOf(byteLength);
    if (classIndex === undefined) {
      const own = placement.ownByteLength(byteLength);
      alone.set(own, (alone.get(own) ?? 0) + 1);
      continue;
    }
    shared += strideOf(classIndex);
    longest = Math.max(longest, strideOf(classIndex));
  }
  for (const offer of offers(placement)) {
    const { byteLength } = offer.region;
    const wanted = alone.get(byteLength) ?? 0;
    if (wanted > 0 && servesAlone(offer)) alone.set(byteLength, wanted - 1);
  }
  for (const missing of alone.values()) if (missing > 0) return false;
  return longest === 0 || canShare(placement, shared, longest);
}

/** A region, and what is in it now. */
interface Offer {
  readonly region: Region;
  readonly host: PlaceHost | undefined;
}

function* offers({ pool, ownRegions, vacancies }: Placement): Generator<Offer> {
  for (const host of pool.slabs) yield { region: host.region, host };
  for (const host of ownRegions) yield { region: host.region, host };
  for (const region of vacancies.spares) yield { region, host: undefined };
}

/** Whether regions have so many bytes for secrets that share them, and one of them enough for the longest. */
function canShare(placement: Placement, shared: number, longest: number): boolean {
  let total = 0;
  let largest = 0;
  for (const { region, host } of offers(placement)) {
    const usable = usableByteLength(region, host);
    total += usable;
    largest = Math.max(largest, usable);
  }
  return shared <= total && longest <= largest;
}

function usableByteLength(region: Region, host: PlaceHost | undefined): number {
  if (host instanceof Slab) return host.closedToNew ? 0 : servingByteLength(host);
  return isReusable(region, host) ? region.byteLength - CANARY_BYTE_LENGTH : 0;
}

/** Bytes that are free in a slab or will be when its secrets go, each place with one canary. */
function servingByteLength(slab: Slab): number {
  const { extents, slotCount, classIndex } = slab;
  if (extents === undefined)
    return (slotCount - slab.quarantined) * strideOf(classIndex) + slab.tailByteLength;
  let total = extents.gapByteLength + extents.gapCount * CANARY_BYTE_LENGTH;
  for (let i = 0; i < slotCount; i++)
    if (slab.isUsed(i)) total += slab.capacityOf(i) + CANARY_BYTE_LENGTH;
  return total;
}

function servesAlone({ region, host }: Offer): boolean {
  return (host === undefined || host instanceof OwnRegion) && isReusable(region, host);
}

function isReusable({ pinned, retired, losses }: Region, host: PlaceHost | undefined): boolean {
  return pinned === 0 && !retired && losses === undefined && (host?.quarantined ?? 0) === 0;
}
