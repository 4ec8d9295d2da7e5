import { isShortage, type Shortage } from '../limits/shortage.js';
import { integer, REGION_BYTE_LENGTH_MAX } from '../options.js';
import type { Place, PlaceHost } from '../placement/place-host.js';
import type { Placement } from '../placement/placement.js';
import type { Places } from '../places/places.js';
import { refusal } from './refusal.js';

/** Takes secrets to other places on the same backend, at once or not at all. */
export class Mover {
  readonly #places: Places;

  constructor(places: Places) {
    this.#places = places;
  }

  /**
   * The place of a secret of another length, with its content. Where that is another place the old one is as it was, and the
   * caller's to release: nothing may come between a secret and its handle.
   */
  resize(host: PlaceHost, index: number, byteLength: number): Place {
    integer('byteLength', byteLength, 1, REGION_BYTE_LENGTH_MAX);
    const places = this.#places;
    const placement = places.placementOf(host);
    if (placement.suits(host, index, byteLength) && host.setByteLength(index, byteLength)) {
      return { host, index };
    }
    const found = this.#placeNow(placement, byteLength, false);
    if (found === undefined || isShortage(found)) {
      if (byteLength < host.byteLengthOf(index) && host.setByteLength(index, byteLength)) {
        return { host, index };
      }
      throw refusal(places, placement, found, [byteLength], 'resize');
    }
    return this.#moved({ host, index }, found);
  }

  /** A place for the secret in a region of its own, with its content; the old one as after `resize`. */
  isolate(host: PlaceHost, index: number): Place {
    if (host.route === 'own') return { host, index };
    const placement = this.#places.placementOf(host);
    const byteLength = host.byteLengthOf(index);
    const found = this.#placeNow(placement, byteLength, true);
    if (found === undefined || isShortage(found)) {
      throw refusal(this.#places, placement, found, [byteLength], 'isolate');
    }
    return this.#moved({ host, index }, found);
  }

  /** One place as far as somebody may go who waits for nothing; undefined where others wait. */
  #placeNow(
    placement: Placement,
    byteLength: number,
    alone: boolean,
  ): readonly Place[] | Shortage | undefined {
    const newcomer = this.#places.admission.reachOfNewcomer();
    const reach = newcomer === 'map' ? 'ask' : newcomer;
    if (reach === undefined) return undefined;
    return this.#places.orGiveUp(() => placement.place([byteLength], reach, alone));
  }

  #moved(from: Place, [place]: readonly Place[]): Place {
    copyContent(from, place as Place);
    this.#places.live++;
    return place as Place;
  }
}

/** Copies a secret to its new place, which is free again after a throw. */
function copyContent(from: Place, to: Place): void {
  const length = Math.min(from.host.byteLengthOf(from.index), to.host.byteLengthOf(to.index));
  try {
    const byteOffset = from.host.byteOffsetOf(from.index);
    from.host.region.withBytes(byteOffset, length, (bytes) =>
      to.host.region.write(to.host.byteOffsetOf(to.index), bytes),
    );
  } catch (error) {
    to.host.release(to.index);
    throw error;
  }
}
