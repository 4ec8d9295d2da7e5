import { ownProperties } from '@securemem/core';

/** What is opened, and can be ended before it is open. */
interface Opened {
  kill(): Promise<void>;
}

/**
 * Resolves with what `open` makes once that says so, and rejects with the error that it gives. Where the signal aborts first, it is
 * killed, and the promise rejects with the reason once nothing of it is left.
 */
export function openUnlessAborted<Made extends Opened>(
  signal: AbortSignal | undefined,
  open: (onOpen: () => void, onFailed: (error: Error) => void) => Made,
): Promise<Made> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) throw signal.reason;
    let aborted = false;
    let over = false;
    const abort = (): void => {
      aborted = true;
      void made.kill().then(() => reject(signal?.reason));
    };
    const end = (): void => {
      over = true;
      signal?.removeEventListener('abort', abort);
    };
    const made: Made = open(
      () => {
        end();
        if (!aborted) resolve(made);
      },
      (error) => {
        end();
        if (!aborted) reject(error);
      },
    );
    // It may have failed in that very step, and a signal may live for long.
    if (!over) signal?.addEventListener('abort', abort, ownProperties({ once: true }, 'options'));
  });
}
