import { performance } from 'node:perf_hooks';
import { SecureMemoryError } from '../contract/errors.js';
import type { Engine } from '../engine.js';

/**
 * Resolves when `count` says that no access is open any more, and rejects with `ERR_SECMEM_WAIT_TIMEOUT` after
 * `waitMsMax` milliseconds, nothing freed. The timer keeps the process alive.
 */
export function whenAccessesClosed(
  engine: Engine,
  count: () => number,
  waitMsMax: number,
  operation: string,
): Promise<void> {
  if (count() === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const since = performance.now();
    const done = (): void => {
      clearTimeout(timer);
      engine.onAccessClosedWatchers.delete(watcher);
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
    engine.onAccessClosedWatchers.add(watcher);
  });
}
