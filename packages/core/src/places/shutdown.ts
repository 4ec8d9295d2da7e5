import { writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import type { SecureMemoryError } from '../contract/errors.js';
import { EndingSignals } from './signals.js';

/** What can be wiped at once, from an `exit` handler too. */
export interface Purgeable {
  purge(reason: string): void;
}

const open = new Set<Purgeable>();
const signals = new EndingSignals(['SIGINT', 'SIGTERM', 'SIGHUP'], purgeAll);

/** Wipes at exit from now on, until `unregister`. Handlers are installed while anything is registered, and only then. */
export function registerForExit(purgeable: Purgeable): void {
  open.add(purgeable);
  if (open.size > 1) return;
  process.on('exit', onExit);
  if (isMainThread) signals.listen();
}

export function unregisterForExit(purgeable: Purgeable): void {
  if (!open.delete(purgeable) || open.size > 0) return;
  process.off('exit', onExit);
  signals.ignore();
}

/** One line to standard error, everything wiped, then SIGABRT. Never returns. */
export function abortWith(error: SecureMemoryError, purge: () => void): never {
  try {
    writeSync(2, `securemem: aborting: ${error.code}: ${error.message.replaceAll('\n', ' ')}\n`);
  } finally {
    try {
      purge();
    } finally {
      process.abort();
    }
  }
}

function purgeAll(reason: string): void {
  for (const purgeable of open) {
    try {
      purgeable.purge(reason);
    } catch {
      // The next one must be wiped all the same, and an exit handler has nobody to tell.
    }
  }
}

function onExit(): void {
  purgeAll('exit');
}
