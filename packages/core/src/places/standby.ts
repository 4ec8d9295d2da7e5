/**
 * Something that holds locked memory which it could do without: the open secrets of a store, kept for their next use, or the
 * sealing key while it has a page. It is asked before a request is refused or waits.
 */
export interface Standby {
  /** Gives back up to `countMax` places that nobody uses, least recently used first, and says how many it gave back. */
  giveUp(countMax: number): number;
  /** Everything was wiped: forget what was open. */
  onPurge(): void;
}
