import type { PlaceHost } from '../placement/place-host.js';

/**
 * Something that reads a place on another thread, in its own time: a signature that waits in the pool. It holds an access to the
 * place, for which every orderly end waits; a purge and the loss of a view do not, and stop it before they wipe.
 */
export interface DistantReader {
  readonly host: PlaceHost;
  readonly index: number;
  /** When this returns nobody reads the place any more for this reader. */
  stop(): void;
}
