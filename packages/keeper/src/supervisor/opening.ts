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
    const abort = (): void => {
      aborted = true;
      void made.kill().then(() => reject(signal?.reason));
    };
    const stopListening = (): void => signal?.removeEventListener('abort', abort);
    const made: Made = open(
      () => {
        stopListening();
        if (!aborted) resolve(made);
      },
      (error) => {
        stopListening();
        if (!aborted) reject(error);
      },
    );
    signal?.addEventListener('abort', abort, ownProperties({ once: true }, 'options'));
  });
}
