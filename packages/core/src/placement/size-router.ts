import { sizeClasses } from './size-classes.js';

/** How a secret is placed: in a slot of a shared slab, or in a region of its own. */
export type Route = 'pooled' | 'own';

/** The answer for a secret that gets a region of its own. */
export const OWN_REGION = -1;

/**
 * Size decides the route, and nothing else does: a secret of up to `pooledByteLengthMax` bytes is pooled, one of
 * `pooledByteLengthMax + 1` bytes gets a region of its own. With 0 every secret has a region of its own.
 */
export class SizeRouter {
  readonly pooledByteLengthMax: number;
  /** Slot sizes, ascending, in bytes. */
  readonly classes: readonly number[];
  /** Class of every size in steps of 8 bytes, so that routing is one look-up. */
  readonly #classByEighth: readonly number[];

  constructor(pooledByteLengthMax: number) {
    this.pooledByteLengthMax = pooledByteLengthMax;
    this.classes = sizeClasses(pooledByteLengthMax);
    const classByEighth: number[] = [];
    let index = 0;
    for (let eighth = 0; eighth <= Math.ceil(pooledByteLengthMax / 8); eighth++) {
      while (index < this.classes.length - 1 && eighth * 8 > (this.classes[index] as number)) {
        index++;
      }
      classByEighth.push(index);
    }
    this.#classByEighth = classByEighth;
  }

  /** The index of the size class, or `OWN_REGION`. */
  classOf(byteLength: number): number {
    if (byteLength > this.pooledByteLengthMax) return OWN_REGION;
    return this.#classByEighth[(byteLength + 7) >>> 3] as number;
  }
}
