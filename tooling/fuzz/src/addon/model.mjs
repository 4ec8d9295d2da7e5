/** The numbers of native/status.h. */
export const STATUS = /** @type {const} */ ({
  ok: 0,
  badType: 1,
  badRange: 2,
  closed: 3,
  disposed: 4,
  notSupported: 5,
  refused: 6,
  mapLimit: 7,
  outOfMemory: 8,
  unsealFailed: 9,
  inUse: 11,
  keyInvalid: 12,
  peerInvalid: 13,
});

const SHORTAGES = /** @type {readonly number[]} */ ([
  STATUS.refused,
  STATUS.mapLimit,
  STATUS.outOfMemory,
]);
export const PAGES_MAX = 3;
const REGIONS_MAX = 6;

/**
 * @typedef {{ id: number, owner: number, shadow: Uint8Array, level: number }} Region
 * @typedef {{ region: Region, bytes: Uint8Array, at: number, number: number, serial: number }} View
 */

/** What must be true of the addon after each call of an input, and the checks that it is. */
export class Model {
  /** @type {number[]} */
  owners = [];
  /** @type {Region[]} */
  regions = [];
  /** @type {View[]} */
  views = [];
  /** Signatures on other threads that were begun. @type {Promise<void>[]} */
  later = [];
  /** Ids that were valid once. @type {number[]} */
  stale = [];
  /** @type {Set<string>} */
  features = new Set();
  addon;

  /** @param {import('./raw-addon.d.mts').RawAddon} addon */
  constructor(addon) {
    this.addon = addon;
  }

  get isFull() {
    return this.regions.length >= REGIONS_MAX;
  }

  /** @param {Region} region */
  viewsOf(region) {
    return this.views.filter((view) => view.region === region);
  }

  /**
   * A call either does what it should, or refuses and has changed nothing.
   * @param {string} what @param {number} status @param {boolean} valid whether nothing is wrong with the arguments
   */
  expect(what, status, valid) {
    this.features.add(`${what}:${status}`);
    if (valid && status !== STATUS.ok && !SHORTAGES.includes(status)) {
      throw new Error(`${what} answered ${status} to a valid call`);
    }
    if (!valid && status === STATUS.ok) throw new Error(`${what} accepted an invalid call`);
    return status === STATUS.ok;
  }

  /** Compares every region with what it should hold. */
  check() {
    for (const region of this.regions) {
      const held = new Uint8Array(new ArrayBuffer(region.shadow.length));
      const status = this.addon.read(region.owner, region.id, 0, held);
      if (status !== STATUS.ok) throw new Error(`a live region cannot be read: ${status}`);
      if (Buffer.compare(held, region.shadow) !== 0) {
        const at = held.findIndex((byte, index) => byte !== region.shadow[index]);
        throw new Error(
          `byte ${at} of a region of ${held.length} is ${held[at]}, not ${region.shadow[at]}`,
        );
      }
    }
  }

  /** @param {Region} region */
  forget(region) {
    this.regions = this.regions.filter((other) => other !== region);
    this.stale.push(region.id);
  }
}
