import { writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import type { SecureMemoryError } from '../contract/errors.js';

/** What can be wiped at once, from an `exit` handler too. */
export interface Purgeable {
  purge(reason: string): void;
}

/** Signals that end a process by default and leave it time to wipe. SIGKILL and `abort()` leave none to anybody. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const open = new Set<Purgeable>();

/** Wipes at exit from now on, until `unregister`. Handlers are installed while anything is registered, and only then. */
export function registerForExit(purgeable: Purgeable): void {
  open.add(purgeable);
  if (open.size > 1) return;
  process.on('exit', onExit);
  if (!isMainThread) return;
  // First in line, since a listener that the program installed with `once` is gone when the next one looks for it.
  for (const signal of SIGNALS) process.prependListener(signal, onSignal);
}

export function unregisterForExit(purgeable: Purgeable): void {
  if (!open.delete(purgeable) || open.size > 0) return;
  process.off('exit', onExit);
  for (const signal of SIGNALS) process.off(signal, onSignal);
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

/** On the listeners of every copy of this package in the process, which are not the program's own. */
const OURS = Symbol.for('securemem.signal-listener');

/**
 * If the program listens to the signal itself it is draining its work, which must not be wiped under its feet: then
 * nothing happens here, and the `exit` handler purges. Otherwise everything is wiped and the signal is raised again with
 * our handler gone, so that the process ends as it would have without us. Where two copies of this package are loaded (as
 * an ES module and as CommonJS, say), each does so in its turn.
 */
function onSignal(signal: NodeJS.Signals): void {
  if (process.listeners(signal).some((listener) => !(OURS in listener))) return;
  purgeAll(signal);
  process.off(signal, onSignal);
  process.kill(process.pid, signal);
}
Object.defineProperty(onSignal, OURS, { value: true });
