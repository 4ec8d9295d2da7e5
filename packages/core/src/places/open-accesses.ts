import { within } from '../common/within.js';
import { SecureMemoryError } from '../contract/errors.js';
import type { Places } from './places.js';

/**
 * Resolves when `count` says that no access is open any more, and rejects with `ERR_SECMEM_WAIT_TIMEOUT` after
 * `waitMsMax` milliseconds, nothing freed. The timer keeps the process alive.
 */
export function whenAccessesClosed(
  places: Places,
  count: () => number,
  waitMsMax: number,
  operation: string,
): Promise<void> {
  if (count() === 0) return Promise.resolve();
  let watcher = (): void => {};
  const closed = new Promise<void>((resolve) => {
    watcher = () => {
      if (count() === 0) resolve();
    };
  });
  places.onAccessClosedWatchers.add(watcher);
  const timedOut = (waitedMs: number): SecureMemoryError =>
    new SecureMemoryError(
      'ERR_SECMEM_WAIT_TIMEOUT',
      `${operation} waited ${waitedMs} ms for ${count()} open accesses; nothing was freed under them`,
      { operation, details: { limit: 'wait', waitedMs, openAccesses: count() } },
    );
  return within(() => closed, { waitMsMax, timedOut }).finally(() =>
    places.onAccessClosedWatchers.delete(watcher),
  );
}
