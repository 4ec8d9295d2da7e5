import { OwnRegion } from './own-region.js';
import type { PlaceHost } from './place-host.js';
import type { Placement } from './placement.js';
import type { Region } from './region.js';
import { Slab } from './slab.js';

/**
 * Whether regions that are mapped could hold a set by themselves once all that lives in them has gone. Where the limit was
 * lowered under them nothing new may be mapped, and what is released serves whoever waits all the same.
 *
 * Says yes too often where several sizes would need one region; says no only where it never fits.
 */
export function couldHold(placement: Placement, byteLengths: readonly number[]): boolean {
  const { pool } = placement;
  const needs = new Map<number, number>();
  for (const byteLength of byteLengths) {
    const classIndex = pool.classOf(byteLength);
    // A region of its own is taken by its exact length, which no class has as a number.
    const need = classIndex ?? -placement.ownByteLength(byteLength);
    needs.set(need, (needs.get(need) ?? 0) + 1);
  }
  for (const [need, count] of needs) {
    let found = 0;
    for (const offer of offers(placement)) {
      found += need < 0 ? exactly(-need, offer) : slotsIn(placement, need, offer);
      if (found >= count) break;
    }
    if (found < count) return false;
  }
  return true;
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

/** Slots of a class that a region has, or would have if it were cut anew. */
function slotsIn({ pool }: Placement, classIndex: number, { region, host }: Offer): number {
  if (host instanceof Slab && host.classIndex === classIndex) {
    return host.closedToNew ? 0 : host.slotCount - host.quarantined;
  }
  return isReusable(region, host) ? pool.slotsIn(region.byteLength, classIndex) : 0;
}

function exactly(byteLength: number, { region, host }: Offer): number {
  const fits =
    region.byteLength === byteLength && (host === undefined || host instanceof OwnRegion);
  return fits && isReusable(region, host) ? 1 : 0;
}

function isReusable({ pinned, retired, losses }: Region, host: PlaceHost | undefined): boolean {
  return pinned === 0 && !retired && losses === undefined && (host?.quarantined ?? 0) === 0;
}
