import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** What a proxy or a client may have called it: nothing that could break out of a line of a log. */
const ACCEPTED = /^[\w.:-]{1,64}$/;

export const REQUEST_ID_HEADER = 'x-request-id';

/** The client's own id of a request, so that it finds it in our logs; a random one where it has none. */
export function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers[REQUEST_ID_HEADER];
  return typeof given === 'string' && ACCEPTED.test(given) ? given : randomUUID();
}
