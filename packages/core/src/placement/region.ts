import type { Protection } from '../contract/capabilities.js';
import type { RegionId, View } from '../contract/region.js';
import type { RegionLifecycle } from './region-lifecycle.js';

/**
 * Core's notes on one mapped region. All changes of state go through `region-lifecycle.ts`; whoever needs the bytes asks
 * there too.
 */
export class Region {
  readonly lifecycle: RegionLifecycle;
  readonly id: RegionId;
  readonly byteLength: number;
  /** Its protection outside any access. */
  readonly atRest: Protection;

  /** Core's own view of the whole region, for the life of the region; undefined where the backend has no views and for keys. */
  ownView: View | undefined = undefined;
  ownWords: Int32Array | undefined = undefined;
  ownDoubles: Float64Array | undefined = undefined;
  /** The same, only while the region may be written to. */
  writableDoubles: Float64Array | undefined = undefined;

  /** What the kernel enforces now. */
  protection: Protection = 'read-write';
  /** Open accesses, by what they need. */
  readers = 0;
  writers = 0;
  /** True while the region waits for the end of the turn to be closed again. */
  closing = false;
  /** Why the region could not be closed at rest, if it could not. */
  openBecause: string | undefined = undefined;

  /** Views of user code over this region that are open now. */
  views = 0;
  /** Views that escaped or refused to be revoked and may still be alive: the region stays open and mapped. */
  pinned = 0;
  /** Nothing new is placed here; the region goes when its last view has gone. */
  retired = false;
  /** An earlier `unmap` failed: wiped, still mapped, tried again later. */
  stranded = false;
  /** Set by a sweep while nothing lives here, cleared by use: two sweeps in a row make a region idle. */
  idle = false;

  constructor(lifecycle: RegionLifecycle, id: RegionId, byteLength: number, atRest: Protection) {
    this.lifecycle = lifecycle;
    this.id = id;
    this.byteLength = byteLength;
    this.atRest = atRest;
  }
}
