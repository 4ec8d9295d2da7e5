import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export type Koffi = typeof import('koffi');

const require = createRequire(realPathOf(fileURLToPath(import.meta.url)));

/** Where koffi lies, or why it was not found; found out at import, which loads nothing. */
const resolved = resolveKoffi();

/**
 * Loads koffi. It happens when a backend is opened or probed, never when this package is imported: loading a native addon
 * changes the process, and under Node's permission model it throws (`ERR_DLOPEN_DISABLED`).
 */
export function loadKoffi(): Koffi {
  if (typeof resolved !== 'string') throw resolved.cause;
  return require(resolved) as Koffi;
}

/**
 * `require` follows symbolic links by `fs.realpathSync`, which looks at the last file that the program asked about: after a
 * pipe or a socket it follows none (nodejs/node#51142), and koffi does not find its binary from the path of a link. So
 * links are followed here, by a call of the system that looks at nothing else.
 */
function resolveKoffi(): string | { readonly cause: unknown } {
  try {
    return realPathOf(require.resolve('koffi'));
  } catch (cause) {
    return { cause };
  }
}

/** The path itself where no such file is to be seen: in a bundle, or when reading is not permitted. */
function realPathOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}
