import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute } from 'node:path';

/**
 * The program of the keeper process, found by the package's own name so that it is the built one in every layout. Throws where
 * the package was bundled and is not installed beside the bundle: its child is a file of its own.
 */
export function childEntry(): string {
  try {
    const path = createRequire(import.meta.url).resolve('@securemem/keeper/child');
    // webpack answers by itself, with a name that it gave the module within the bundle.
    if (isAbsolute(path) && existsSync(path)) return path;
    throw new Error(`${path} is no file`);
  } catch (cause) {
    const message =
      'the program of the keeper process is not there: leave @securemem/keeper out of the bundle, and install it where the bundle runs';
    throw new Error(message, { cause });
  }
}
