import { performance } from 'node:perf_hooks';
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
  return new Promise((resolve, reject) => {
    const since = performance.now();
    const done = (): void => {
      clearTimeout(timer);
      places.onAccessClosedWatchers.delete(watcher);
    };
    const watcher = (): void => {
      if (count() > 0) return;
      done();
      resolve();
    };
    const timer = setTimeout(() => {
      done();
      const waitedMs = Math.round(performance.now() - since);
      reject(
        new SecureMemoryError(
          'ERR_SECMEM_WAIT_TIMEOUT',
          `${operation} waited ${waitedMs} ms for ${count()} open accesses; nothing was freed under them`,
          { operation, details: { limit: 'wait', waitedMs, openAccesses: count() } },
        ),
      );
    }, waitMsMax);
    places.onAccessClosedWatchers.add(watcher);
  });
}
