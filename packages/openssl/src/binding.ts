import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type loadPrebuilt from 'node-gyp-build';

/** The functions of the addon, as `native/addon.cc` makes them. Nothing here throws. */
export interface Binding {
  /** 1 where the executable has an OpenSSL that takes providers, 0 elsewhere. */
  supported(): number;
  /** Answers an `Answer`. The first call that gets this far puts the provider into OpenSSL, for good. */
  open(type: number, window: unknown, publicKey: Uint8Array, id: Uint8Array): number;
  /** 1, or 0 where no reference has this id. Waits for the signatures of other threads that are under way. */
  close(id: Uint8Array): number;
}

/** What `open` answers; the same numbers as in `native/addon.cc`. */
export const Answer = { ok: 0, badType: 1, noProvider: 2, refused: 3 } as const;

let loaded: Binding | undefined;

/** The addon, loaded at the first call. Throws whatever the loader throws. */
export function loadBinding(): Binding {
  // The loader is looked for at the call: bundlers make something of it that fails at import.
  const load = createRequire(import.meta.url)('node-gyp-build') as typeof loadPrebuilt;
  loaded ??= load(join(dirname(fileURLToPath(import.meta.url)), '..')) as Binding;
  return loaded;
}
