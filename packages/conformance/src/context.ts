import type { BackendCapabilities, MemoryBackend, RegionId } from '@securemem/core/contract';
import type { Evidence, Place } from './evidence/evidence.js';

/** A region and where it is. */
export interface PlacedRegion {
  readonly region: RegionId;
  readonly place: Place;
}

const PAGES_MANY = 40;

/** What one requirement gets: a backend of its own, more if it asks, and the evidence. */
export class Context {
  readonly evidence: Evidence;
  /** Longer sequences, for those who can wait. */
  readonly thorough: boolean;
  /** Where random sequences start. The same seed repeats them. */
  readonly seed: number;
  readonly #open: () => MemoryBackend;
  readonly #opened: MemoryBackend[] = [];
  #first: MemoryBackend | undefined;

  /** @internal */
  constructor(
    open: () => MemoryBackend,
    evidence: Evidence,
    options: { readonly thorough: boolean; readonly seed: number },
  ) {
    this.#open = open;
    this.evidence = evidence;
    this.thorough = options.thorough;
    this.seed = options.seed;
  }

  /** The backend of this requirement, opened at the first use. */
  get backend(): MemoryBackend {
    this.#first ??= this.open();
    return this.#first;
  }

  /** Those of its backend. */
  get capabilities(): BackendCapabilities {
    return this.backend.capabilities;
  }

  /** The page of its backend, in bytes. */
  get page(): number {
    return this.backend.pageByteLength;
  }

  /** Another instance. Whatever was opened is disposed when the requirement ends. */
  open(): MemoryBackend {
    const backend = this.#open();
    this.#opened.push(backend);
    return backend;
  }

  /** Maps a region of so many pages on its backend. */
  map(pages = 1): RegionId {
    return this.backend.map(pages * this.page);
  }

  /**
   * How many pages a large region has here: more than a backend would do by hand, and half of what the lock limit leaves at
   * most. One that handles the first pages only is found by it.
   */
  get manyPages(): number {
    const limit = this.backend.lockLimit();
    const locked = this.backend.lockedByteLength();
    if (limit.kind !== 'bytes' || locked === 'unknown') return PAGES_MANY;
    const left = Math.floor((limit.byteLength - locked) / this.page / 2);
    return Math.max(3, Math.min(PAGES_MANY, left));
  }

  /** Maps and asks the evidence where that is. */
  async mapPlaced(pages = 1, backend: MemoryBackend = this.backend): Promise<PlacedRegion> {
    const byteLength = pages * backend.pageByteLength;
    const region = backend.map(byteLength);
    return { region, place: await this.evidence.locate(backend, region, byteLength) };
  }

  /** Disposes every backend that was opened here. */
  dispose(): void {
    for (const backend of this.#opened) {
      try {
        backend[Symbol.dispose]();
      } catch {
        // Disposing has requirements of its own; it must not make others fail.
      }
    }
    this.#opened.length = 0;
  }
}
