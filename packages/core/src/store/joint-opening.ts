import { performance } from 'node:perf_hooks';
import type { Ownership } from '../lifetime/ownership.js';
import type { RequestOptions } from '../requests/granter.js';
import type { Secret } from '../secret/secret.js';
import type { HotSlot, HotSlots } from './hot-slots.js';
import type { Openings } from './openings.js';

interface Parts {
  readonly openings: Openings;
  readonly hot: HotSlots;
}

/**
 * Opens several secrets of a store, each with its caller counted as a user, or none. Places are asked for in one admission, and
 * nothing is held meanwhile, not even a secret that is open already: two callers that each hold what the other wants would
 * wait for ever. So a secret that was open may be closed when the places come; it is asked for as well then. The set of
 * what is asked for only grows, so this comes to an end.
 */
export async function openTogether(
  owner: Ownership,
  parts: Parts,
  names: readonly string[],
  request: RequestOptions,
): Promise<HotSlot[]> {
  const { waitMsMax, onCapacity } = owner.places.options;
  const waits = (request.onCapacity ?? onCapacity) === 'wait';
  const until = performance.now() + (request.waitMsMax ?? waitMsMax);
  const wanted = new Set<string>();
  for (;;) {
    for (const name of names) if (!parts.openings.isOpen(name)) wanted.add(name);
    const byteLengths = [...wanted].map((name) => parts.openings.byteLengthOf(name));
    const leftMs = Math.max(0, Math.round(until - performance.now()));
    let places: Secret[] = [];
    if (byteLengths.length > 0) {
      places = waits
        ? await owner.allocateAll(byteLengths, { ...request, waitMsMax: leftMs })
        : owner.allocateAllSync(byteLengths, request.onCapacity);
    }
    const byName = new Map([...wanted].map((name, i) => [name, places[i] as Secret]));
    const slots = owner.places.telemetry.outbox.during(() => take(owner, parts, names, byName));
    if (slots !== undefined) return slots;
  }
}

/** Enters what is open and fills places with the rest; undefined, and nothing taken, where a place is missing. */
function take(
  owner: Ownership,
  { openings, hot }: Parts,
  names: readonly string[],
  places: Map<string, Secret>,
): HotSlot[] | undefined {
  const slots: HotSlot[] = [];
  const undo = (): void => {
    for (const slot of slots) hot.leaveQuietly(slot);
    for (const place of places.values()) disposeQuietly(owner, place);
  };
  try {
    for (const name of names) {
      let slot = openings.enter(name);
      const place = places.get(name);
      if (slot === undefined && place?.byteLength === openings.byteLengthOf(name)) {
        places.delete(name);
        slot = openings.fill(name, place, 1);
      }
      if (slot === undefined) {
        undo();
        return undefined;
      }
      slots.push(slot);
    }
    for (const [name, place] of places) {
      places.delete(name);
      place.dispose();
    }
  } catch (error) {
    undo();
    throw error;
  }
  return slots;
}

function disposeQuietly(owner: Ownership, place: Secret): void {
  const { byteLength } = place;
  try {
    place.dispose();
  } catch (error) {
    owner.places.telemetry.emit('release-failed', { byteLength, error });
  }
}
