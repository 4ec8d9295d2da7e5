import { fileURLToPath } from 'node:url';

const CJS_ADDRESS = fileURLToPath(new URL('./cjs-address.mjs', import.meta.url));

/** What is marked `@internal` stands in no declaration, and neither does what only that names. */
const INSIDE = { stripInternal: true };

/** One build for every published package: ESM and CommonJS with types, for the oldest supported Node.
 *  @param {Record<string, string>} entry output name -> source file
 *  @param {import('tsup').Options} [more] */
export function library(entry, more = {}) {
  return {
    entry,
    format: ['esm', 'cjs'],
    dts: { compilerOptions: INSIDE },
    target: 'node20',
    platform: 'node',
    // Not emptied first: whoever imports the package while it is being built would find nothing, or half of it. Files
    // that a build no longer writes stay behind on a developer's machine; releases are built from a fresh clone.
    clean: false,
    sourcemap: true,
    splitting: true,
    // Not those of tsup, which ask a global `document` first.
    shims: false,
    /** @type {NonNullable<import('tsup').Options['esbuildOptions']>} */
    esbuildOptions: (options, { format }) => {
      if (format !== 'cjs') return;
      options.define = { ...options.define, 'import.meta.url': 'importMetaUrl' };
      options.inject = [...(options.inject ?? []), CJS_ADDRESS];
    },
    ...more,
  };
}

/**
 * For a package that takes a private one into itself: its code is bundled in any case, and with this its types are too.
 * @param {string} name @param {string} source its entry, from the package that is built
 * @returns {import('tsup').Options}
 */
export function bundling(name, source) {
  return { dts: { compilerOptions: { ...INSIDE, paths: { [name]: [source] } } } };
}
