import { createRequire } from 'node:module';

/** The program of the keeper process, found by the package's own name so that it is the built one in every layout. */
export function childEntry(): string {
  return createRequire(import.meta.url).resolve('@securemem/keeper/child');
}
