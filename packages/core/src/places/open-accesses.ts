import { within } from '../common/within.js';
import { SecureMemoryError } from '../contract/errors.js';
import type { Places } from './places.js';

/** Accesses that are waited for. */
export interface OpenAccesses {
  /** Whether there are any; asked whenever an access closes, so at next to no cost. */
  any(): boolean;
  /** How many there are. */
  count(): number;
}

/**
 * Resolves when no access is `open` any more, and rejects with `ERR_SECMEM_WAIT_TIMEOUT` after `waitMsMax` milliseconds, nothing
 * freed. The timer keeps the process alive.
 */
export function whenAccessesClosed(
  places: Places,
  open: OpenAccesses,
  waitMsMax: number,
  operation: string,
): Promise<void> {
  if (!open.any()) return Promise.resolve();
  let watcher = (): void => {};
  const closed = new Promise<void>((resolve) => {
    watcher = () => {
      if (!open.any()) resolve();
    };
  });
  places.onAccessClosedWatchers.add(watcher);
  const timedOut = (waitedMs: number): SecureMemoryError =>
    new SecureMemoryError(
      'ERR_SECMEM_WAIT_TIMEOUT',
      `${operation} waited ${waitedMs} ms for ${open.count()} open accesses; nothing was freed under them`,
      { operation, details: { limit: 'wait', waitedMs, openAccesses: open.count() } },
    );
  return within(() => closed, { waitMsMax, timedOut }).finally(() =>
    places.onAccessClosedWatchers.delete(watcher),
  );
}
