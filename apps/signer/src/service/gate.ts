import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from './problem.js';
import type { TokenFile } from './token-file.js';

/** Names under which a browser on this machine reaches us. Any other name is somebody's DNS pointing here. */
const LOOPBACK = /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/;

/** On every answer: no script, style, frame or connection that is not ours. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cache-control': 'no-store',
};

/**
 * Refuses requests that a foreign page may have caused: a `Host` that is not this machine (DNS rebinding), or an `Origin`
 * or `Sec-Fetch-Site` that is not this page.
 */
export function refuseForeign(request: FastifyRequest): void {
  const host = request.headers.host ?? '';
  if (!LOOPBACK.test(host)) throw new Problem(421, 'foreign-host', 'this service is local');
  const { origin } = request.headers;
  const site = request.headers['sec-fetch-site'];
  const foreign = origin !== undefined && origin !== `http://${host}`;
  if (foreign || site === 'cross-site' || site === 'same-site') {
    throw new Problem(403, 'foreign-origin', 'requests from other pages are refused');
  }
}

/** A hook for everything that changes or signs. Remembers who it is, for `callerOf`. */
export function requireToken(tokens: TokenFile) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const who = tokens.who(request.headers.authorization);
    if (who === undefined) {
      reply.header('www-authenticate', 'Bearer');
      throw new Problem(401, 'unauthorised', 'a bearer token is required');
    }
    authorised.set(request, who);
  };
}

const authorised = new WeakMap<FastifyRequest, string>();

/** Who made a request that `requireToken` let in; throws an Error for any other. */
export function whoMade(request: FastifyRequest): string {
  const who = authorised.get(request);
  if (who === undefined) throw new Error('a route that signs has no token before it');
  return who;
}
