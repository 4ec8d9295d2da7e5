import type { IncomingMessage } from 'node:http';
import { zero } from '@securemem/core/contract';

/** Bytes that are thrown away for the sake of an answer; whoever sends more gets none. */
const BYTE_LENGTH_MAX = 64 * 1_024 * 1_024;

/**
 * Reads the rest of a body that nobody wants. An answer that is sent while the client still sends is lost when the
 * connection closes: the system resets it, and the client throws away what it had received. Resolves at the end of the
 * body, or of the connection. How long that may take is what the server's limit for a whole request says.
 */
export function discardBody(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    let discarded = 0;
    const count = (chunk: Buffer): void => {
      discarded += chunk.length;
      // A body may hold a key, in the wrong place as well.
      zero(chunk);
      if (discarded > BYTE_LENGTH_MAX) request.destroy();
    };
    const done = (): void => {
      request.off('data', count);
      resolve();
    };
    request.on('data', count);
    request.once('end', done);
    request.once('close', done);
    request.once('error', done);
    request.resume();
  });
}
