import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Address, Binding, CType, Ffi } from '@securemem/over-ffi';

type Koffi = typeof import('koffi');

/** The types of the tables in koffi's words. */
const TYPES: Readonly<Record<CType, string>> = {
  void: 'void',
  pointer: 'void *',
  size: 'size_t',
  int64: 'int64_t',
  int: 'int',
  uint: 'uint32_t',
  text: 'str',
};

/** How koffi is loaded, or why it was not found; found out at import, which loads nothing. */
const found = findKoffi();

/**
 * System calls through koffi, which is loaded when a backend is opened or probed, never when this package is imported:
 * loading a native addon changes the process, and under Node's permission model it throws (`ERR_DLOPEN_DISABLED`).
 */
export const koffi: Binding = {
  backendName: 'koffi',
  factoryName: 'koffiBackend',
  load: () => overKoffi(loadKoffi()),
};

/** koffi takes and gives what the tables need as it is. */
function overKoffi(loaded: Koffi): Ffi {
  return {
    library(name) {
      const library = loaded.load(name);
      return {
        func: <Call>(symbol: string, result: CType, parameters: readonly CType[]) =>
          library.func(
            symbol,
            TYPES[result],
            parameters.map((type) => TYPES[type]),
          ) as Call,
      };
    },
    view: (address, byteLength) => loaded.view(address, byteLength),
    address: (bytes) => loaded.address(bytes) as Address,
    errno: () => loaded.errno(),
  };
}

function loadKoffi(): Koffi {
  try {
    if ('cause' in found) throw found.cause;
    return found.load();
  } catch (cause) {
    const denied = (cause as NodeJS.ErrnoException)?.code === 'ERR_DLOPEN_DISABLED';
    const reason = denied
      ? "Node's permission model forbids native addons: start it with --allow-addons"
      : `koffi cannot be loaded on ${process.platform}-${process.arch}: is its platform package installed, and is @securemem/koffi left out where the program is bundled? (${firstLineOf(cause)})`;
    throw new Error(reason, { cause });
  }
}

function firstLineOf(cause: unknown): string {
  return String((cause as Error)?.message ?? cause).split('\n', 1)[0] as string;
}

/**
 * `require` follows symbolic links by `fs.realpathSync`, which looks at the last file that the program asked about: after a
 * pipe or a socket it follows none (nodejs/node#51142), and koffi does not find its binary from the path of a link. So
 * links are followed here, by a call of the system that looks at nothing else.
 *
 * A bundle may have no address to begin at: bundlers leave `import.meta` empty in CommonJS.
 */
function findKoffi(): { load(): Koffi } | { readonly cause: unknown } {
  try {
    const require = createRequire(realPathOf(fileURLToPath(import.meta.url)));
    const path = realPathOf(require.resolve('koffi'));
    return { load: () => require(path) as Koffi };
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
