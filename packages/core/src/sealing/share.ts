import { randomFillSync } from 'node:crypto';
import { zero } from '../contract/zero.js';
import type { Region } from '../placement/region.js';
import { KEY_BYTE_LENGTH } from './cipher.js';

const UNIT_BYTE_LENGTH = 2;
const UNITS = KEY_BYTE_LENGTH / UNIT_BYTE_LENGTH;

/**
 * A region of shares of keys, each 32 bytes at an even offset. Works on the pages where the backend shows them, otherwise by
 * copies that are wiped.
 *
 * Two bytes at a time: what is larger may become an object of the engine's, which nobody can wipe.
 */
export class Share {
  readonly region: Region;
  readonly #units: Uint16Array | undefined;

  constructor(region: Region) {
    this.region = region;
    const { ownView, byteLength } = region;
    if (ownView !== undefined) {
      this.#units = new Uint16Array(ownView.bytes.buffer, 0, byteLength / UNIT_BYTE_LENGTH);
    }
  }

  /** Puts `a` exclusive-or `b` here. Either may be this place. */
  putXor(at: number, a: Share, aAt: number, b: Share, bAt: number): void {
    const [to, left, right] = [this.#units, a.#units, b.#units];
    if (to === undefined || left === undefined || right === undefined) {
      this.#putXorByCopy(at, a, aAt, b, bAt);
      return;
    }
    const [start, leftStart, rightStart] = [at >>> 1, aAt >>> 1, bAt >>> 1];
    for (let i = 0; i < UNITS; i++) {
      to[start + i] = (left[leftStart + i] as number) ^ (right[rightStart + i] as number);
    }
  }

  /** By a copy, so that the view of the region, which shows other shares too, is given to nobody. */
  randomize(at: number): void {
    const scratch = new Uint8Array(new ArrayBuffer(KEY_BYTE_LENGTH));
    try {
      this.region.write(at, randomFillSync(scratch));
    } finally {
      zero(scratch);
    }
  }

  wipe(at: number): void {
    const units = this.#units;
    if (units === undefined) {
      this.region.wipe(at, KEY_BYTE_LENGTH);
      return;
    }
    const start = at >>> 1;
    for (let i = 0; i < UNITS; i++) units[start + i] = 0;
  }

  #putXorByCopy(at: number, a: Share, aAt: number, b: Share, bAt: number): void {
    const [bytes, other] = [KEY_BYTE_LENGTH, KEY_BYTE_LENGTH].map(
      (byteLength) => new Uint8Array(new ArrayBuffer(byteLength)),
    ) as [Uint8Array, Uint8Array];
    try {
      a.region.read(aAt, bytes);
      b.region.read(bAt, other);
      for (let i = 0; i < KEY_BYTE_LENGTH; i++)
        bytes[i] = (bytes[i] as number) ^ (other[i] as number);
      this.region.write(at, bytes);
    } finally {
      zero(bytes);
      zero(other);
    }
  }
}
