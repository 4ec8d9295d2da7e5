import { reasonOf, throwIfAborted } from '../common/abort-signal.js';
import { onAbort } from '../common/on-abort.js';

/** What waits for its turn, in the order in which it came. */
const waiting = new Set<() => void>();
let running = false;

function next(): void {
  for (const work of waiting) {
    waiting.delete(work);
    work();
    setImmediate(next);
    return;
  }
  running = false;
}

/**
 * Runs `work` in a later turn of the event loop, alone in its turn. What waits is given up when the signal aborts: it rejects
 * with its reason then.
 */
export function inTurn<T>(work: () => T, signal: AbortSignal | undefined): Promise<T> {
  throwIfAborted(signal);
  return new Promise((resolve, reject) => {
    let withdraw: (() => void) | undefined;
    const run = (): void => {
      withdraw?.();
      try {
        resolve(work());
      } catch (error) {
        reject(error);
      }
    };
    waiting.add(run);
    if (signal !== undefined) {
      withdraw = onAbort(signal, () => {
        waiting.delete(run);
        reject(reasonOf(signal));
      });
    }
    if (running) return;
    running = true;
    setImmediate(next);
  });
}
