import type { Place, PlaceHost } from './place-host.js';
import type { Region } from './region.js';
import type { Vacancies } from './vacancies.js';

/** What one request has taken so far, so that all of it can be given back. */
export class Attempt {
  readonly places: Place[];
  /** Regions that were mapped for this request alone. */
  readonly mapped: Region[] = [];
  readonly #vacancies: Vacancies;

  constructor(vacancies: Vacancies, count: number) {
    this.#vacancies = vacancies;
    this.places = new Array(count);
  }

  add(i: number, host: PlaceHost, index: number): void {
    this.places[i] = { host, index };
  }

  /** Nothing was written yet, so a release that fails here leaves no byte of a secret; the region is given back anyway. */
  undo(): void {
    for (const place of this.places) {
      try {
        place?.host.release(place.index);
      } catch {}
    }
    for (const region of this.mapped) this.#vacancies.giveBack(region);
  }
}
