import { lstatSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** Others than the owner have no business here; the token is asked for all the same. */
const UMASK = 0o177;

/**
 * Listens on a unix socket that only its owner can reach. One that a dead service left behind is replaced; throws an Error
 * when a live one answers there, or when the path is something else.
 */
export async function listenOnSocket(
  app: FastifyInstance,
  path: string,
  backlog: number,
): Promise<string> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket()) {
    if (await answers(path)) throw new Error(`another service listens on ${path}`);
    rmSync(path);
  }
  // The socket gets its mode as it is made: a change afterwards would come too late for whoever is quick.
  const before = process.umask(UMASK);
  try {
    await app.listen({ path, backlog });
  } finally {
    process.umask(before);
  }
  return `unix:${path}`;
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
