import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/**
 * Serves the built dashboard. Every file is read once and gets a route of its own, so that no path of a request ever
 * becomes a path of the file system.
 */
export function dashboardFiles(app: FastifyInstance, directory: string): void {
  for (const path of filesOf(directory, '')) {
    const body = readFileSync(join(directory, path));
    const type = TYPES[extname(path)] ?? 'application/octet-stream';
    const url = path === 'index.html' ? '/' : `/${path}`;
    app.get(url, { schema: { hide: true } }, (_request, reply) => reply.type(type).send(body));
  }
}

/** Relative paths with `/`, or none when the dashboard was not built. */
function filesOf(directory: string, prefix: string): string[] {
  try {
    return readdirSync(join(directory, prefix), { withFileTypes: true }).flatMap((entry) => {
      const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
      return entry.isDirectory() ? filesOf(directory, path) : [path];
    });
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return [];
    throw error;
  }
}
