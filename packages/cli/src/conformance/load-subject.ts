import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { MemoryBackend } from '@securemem/core';
import { UsageError } from '../usage.js';

/** A backend that is to be proved: the file that was named, and the function in it. */
export interface Subject {
  readonly url: URL;
  readonly open: () => MemoryBackend;
}

/**
 * Imports a module that exports `open`, as itself or as its default export. Throws `UsageError` for a file that is not there
 * or exports no such function; what the module itself throws is passed on.
 */
export async function loadSubject(path: string, directory: string): Promise<Subject> {
  const file = resolve(directory, path);
  if (!existsSync(file) || !statSync(file).isFile())
    throw new UsageError(`there is no file ${path}`);
  const url = pathToFileURL(file);
  const module = (await import(url.href)) as { open?: unknown; default?: unknown };
  const inner = module.default as { open?: unknown } | undefined;
  const open = module.open ?? inner?.open ?? module.default;
  if (typeof open !== 'function') {
    throw new UsageError(`${path} must export a function \`open\` that opens the backend`);
  }
  return { url, open: open as () => MemoryBackend };
}
